import path from 'node:path';
import { analyticsAddress, sourceAddress } from '#libs/platform/config/config.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import type { Log } from '#libs/platform/log.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '#libs/platform/postgres/embedded.ts';
import { superviseEmbedded } from '#libs/platform/postgres/supervise.ts';

export interface LocalDatabases {
  readonly source: DatabaseAddress;
  readonly analytics: DatabaseAddress;
  /** The source is ours to fill with a sample campus. */
  readonly hasCampus: boolean;
  /** A server of an earlier run was still there, left behind by a kill. */
  readonly adopted: boolean;
  /** Folders of the embedded servers. */
  readonly folders: readonly string[];
}

const SOURCE_NAME = 'lms';
const ANALYTICS_NAME = 'prepadata';

/** An embedded server for each database that the environment does not name, both at once. */
export async function startDatabases(config: SettingValues, lifecycle: Lifecycle, log: Log): Promise<LocalDatabases> {
  const own = { source: sourceAddress(config), analytics: analyticsAddress(config) };
  const start = async (name: string, options: EmbeddedOptions): Promise<EmbeddedPostgres> => {
    const server = await startEmbeddedPostgres(options);
    const supervised = superviseEmbedded(name, server, options, log);
    lifecycle.add(name, () => supervised.stop());
    return server;
  };
  const [campus, store] = await Promise.all([
    own.source === undefined ? start('the source database', campusServer(config.DATA_DIR)) : undefined,
    own.analytics === undefined ? start('the analytics database', analyticsServer(config.DATA_DIR)) : undefined,
  ]);
  await Promise.all([campus?.ensureDatabase(SOURCE_NAME), store?.ensureDatabase(ANALYTICS_NAME)]);
  return {
    source: addressOf(own.source, campus, SOURCE_NAME),
    analytics: addressOf(own.analytics, store, ANALYTICS_NAME),
    hasCampus: campus !== undefined,
    adopted: campus?.adopted === true || store?.adopted === true,
    folders: [campus, store].flatMap((server) => server?.folder ?? []),
  };
}

function addressOf(
  own: DatabaseAddress | undefined,
  server: EmbeddedPostgres | undefined,
  name: string,
): DatabaseAddress {
  const address = own ?? server?.address(name);
  if (address === undefined) throw new Error(`there is no server for the database ${name}`);
  return address;
}

const campusServer = (dataDir: string): EmbeddedOptions => ({
  folder: path.join(dataDir, 'source'),
  port: 5433,
  settings: {
    wal_level: 'logical',
    // A slot that nobody reads must not fill the disk; it is lost instead, which begins a new epoch.
    max_slot_wal_keep_size: '2GB',
    // A reader that was killed is noticed soon, so that the next start need not wait for its slot.
    wal_sender_timeout: '10s',
  },
});

const analyticsServer = (dataDir: string): EmbeddedOptions => ({
  folder: path.join(dataDir, 'analytics'),
  port: 5434,
  settings: {
    // Fewer checkpoints mean fewer whole pages in the log: staging touches many pages lightly.
    max_wal_size: '2GB',
    // Images are met in the order of students and times, and lie in that of their ids: the more of them at hand the better.
    shared_buffers: '384MB',
    checkpoint_timeout: '15min',
    autovacuum_naptime: '10s',
  },
});
