import path from 'node:path';
import { analyticsAddress, sourceAddress } from '#libs/platform/config/config.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/postgres/embedded.ts';

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
export async function startDatabases(config: SettingValues, lifecycle: Lifecycle): Promise<LocalDatabases> {
  const own = { source: sourceAddress(config), analytics: analyticsAddress(config) };
  const [campus, store] = await Promise.all([
    own.source === undefined ? startCampusServer(config.DATA_DIR) : undefined,
    own.analytics === undefined ? startAnalyticsServer(config.DATA_DIR) : undefined,
  ]);
  // Stopped in reverse: the analytics database goes first, so that nothing is confirmed to a source after it.
  if (campus !== undefined) lifecycle.add('the source database', () => campus.stop());
  if (store !== undefined) lifecycle.add('the analytics database', () => store.stop());
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

const startCampusServer = (dataDir: string): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres({
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

const startAnalyticsServer = (dataDir: string): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres({
    folder: path.join(dataDir, 'analytics'),
    port: 5434,
    settings: {
      // Fewer checkpoints mean fewer whole pages in the log: staging touches many pages lightly.
      max_wal_size: '2GB',
      checkpoint_timeout: '15min',
      autovacuum_naptime: '10s',
    },
  });
