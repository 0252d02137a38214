import { Socket } from 'node:net';
import pg from 'pg';
import { unlessAborted } from '#libs/platform/lifecycle.ts';
import { type DatabaseAddress, KEEP_ALIVE } from '#libs/platform/postgres/database.ts';
import { connectSettled } from '#libs/platform/postgres/session-settings.ts';

/** One connection whose socket we hold, so that it can be closed at any moment. */
export interface Link {
  readonly client: pg.Client;
  /** Idempotent; does not wait for the server. */
  close(): void;
}

export interface LinkConfig extends pg.ClientConfig {
  /** Returns the socket; the caller keeps it to destroy it. */
  readonly stream: () => Socket;
}

/**
 * In a school's database others may make functions and operators, in `public` of an older server everybody. Those that fit our
 * arguments better than Postgres' own would be called in their place, with all that our user may do. So only its own are found;
 * tables are named with their schema.
 */
const OF_SOURCE = { search_path: 'pg_catalog' };

/** Connection settings for the source: `purpose` is shown in pg_stat_activity. */
export function linkConfig(address: DatabaseAddress, purpose: string, socket: Socket): LinkConfig {
  return {
    host: address.host,
    port: address.port,
    database: address.database,
    user: address.user,
    password: address.password,
    ...(address.ssl === undefined ? {} : { ssl: address.ssl }),
    application_name: `prepadata ${purpose}`,
    connectionTimeoutMillis: 10_000,
    ...KEEP_ALIVE,
    stream: () => socket,
  };
}

/** Does some short work on a connection of its own; connecting and each query may take two seconds at most. */
export async function briefly<T>(address: DatabaseAddress, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...address, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  client.on('error', () => {});
  try {
    await connectSettled(client, OF_SOURCE);
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Missing from @types/pg: makes the server speak the replication protocol on this connection. */
type ReplicationConfig = LinkConfig & { readonly replication: 'database' };

/**
 * Opens one connection.
 * @param onLost called once when an open connection breaks; not when we close it
 * @throws the driver's error (as a rejection) when it cannot be opened, or when `signal` aborts meanwhile
 */
export async function openLink(
  address: DatabaseAddress,
  purpose: string,
  kind: 'sql' | 'replication',
  signal: AbortSignal,
  onLost: (error: Error) => void,
): Promise<Link> {
  signal.throwIfAborted();
  const socket = new Socket();
  const config: LinkConfig | ReplicationConfig =
    kind === 'sql'
      ? linkConfig(address, purpose, socket)
      : { ...linkConfig(address, purpose, socket), replication: 'database' };
  const client = new pg.Client(config);
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    signal.removeEventListener('abort', close);
    client.end().catch(() => {});
    socket.destroySoon();
  };
  client.on('error', (error) => {
    if (closed) return;
    close();
    onLost(error);
  });
  signal.addEventListener('abort', close, { once: true });
  try {
    // A connection that is closed while it is being opened never reports it.
    await unlessAborted(connectSettled(client, OF_SOURCE), signal);
  } catch (error) {
    close();
    throw error;
  }
  return { client, close };
}
