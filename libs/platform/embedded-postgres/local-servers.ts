import path from 'node:path';
import type { EmbeddedOptions } from './embedded.ts';

/*
 * The two embedded servers of a program that brings its own databases.
 */

/** Names of the databases in them. */
export const SOURCE_NAME = 'lms';
export const ANALYTICS_NAME = 'prepadata';

/** The server of the sample campus, as a small LMS would have it. */
export const sourceServer = (dataDir: string): EmbeddedOptions => ({
  folder: path.join(dataDir, 'source'),
  port: 5433,
  settings: {
    wal_level: 'logical',
    // An unread slot must not fill the disk; it is lost instead, which begins a new epoch.
    max_slot_wal_keep_size: '2GB',
    // A killed reader is noticed soon, so that the next start need not wait for its slot.
    wal_sender_timeout: '10s',
  },
});

/** The server of the features. */
export const analyticsServer = (dataDir: string): EmbeddedOptions => ({
  folder: path.join(dataDir, 'analytics'),
  port: 5434,
  settings: {
    // Fewer checkpoints mean fewer whole pages in the log: staging touches many pages lightly.
    max_wal_size: '2GB',
    // Images are read by student and time but stored by id, so that the more of them are in memory, the better.
    shared_buffers: '384MB',
    checkpoint_timeout: '15min',
    autovacuum_naptime: '10s',
  },
});
