import { analyticsAddress, sourceAddress } from '#libs/platform/config/config.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '#libs/platform/embedded-postgres/embedded.ts';
import {
  ANALYTICS_NAME,
  analyticsServer,
  SOURCE_NAME,
  sourceServer,
} from '#libs/platform/embedded-postgres/local-servers.ts';
import { superviseEmbedded } from '#libs/platform/embedded-postgres/supervise.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';

export interface LocalDatabases {
  readonly source: DatabaseAddress;
  readonly analytics: DatabaseAddress;
  /** The source is ours to fill with a sample campus. */
  readonly hasCampus: boolean;
  /** The analytics database is embedded, so its password may be shown. */
  readonly hasOwnStore: boolean;
  /** A server of an earlier run was still there, left behind by a kill. */
  readonly adopted: boolean;
  /** Folders of the embedded servers. */
  readonly folders: readonly string[];
}

/** Starts an embedded server for each database that the environment does not name, in parallel. */
export async function startDatabases(config: SettingValues, lifecycle: Lifecycle, log: Log): Promise<LocalDatabases> {
  const own = { source: sourceAddress(config), analytics: analyticsAddress(config) };
  const start = async (name: string, options: EmbeddedOptions): Promise<EmbeddedPostgres> => {
    const server = await startEmbeddedPostgres(options);
    const supervised = superviseEmbedded(name, server, options, moduleLog(log, 'database'));
    lifecycle.add(name, () => supervised.stop());
    return server;
  };
  const [campus, store] = await Promise.all([
    own.source === undefined ? start('the source database', sourceServer(config.DATA_DIR)) : undefined,
    own.analytics === undefined ? start('the analytics database', analyticsServer(config.DATA_DIR)) : undefined,
  ]);
  // The owner of the analytics database makes roles with connectors/readers.sql.
  await Promise.all([campus?.ensureDatabase(SOURCE_NAME), store?.ensureDatabase(ANALYTICS_NAME), store?.allowLogins()]);
  return {
    source: addressOf(own.source, campus, SOURCE_NAME),
    analytics: addressOf(own.analytics, store, ANALYTICS_NAME),
    hasCampus: campus !== undefined,
    hasOwnStore: store !== undefined,
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
