import { Socket } from 'node:net';
import pg from 'pg';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { unlessAborted } from '../lifecycle.ts';
import type { DatabaseAddress } from './contract.ts';
import { SessionRefused } from './session-settings.ts';

/*
 * A pooler between us and a database. Locks, LISTEN, settings and prepared statements of ours live as long as a session
 * of the server does, so that session has to be ours from connecting to leaving, and nobody's before us. PgBouncer does
 * that with pool_mode = session and its own server_reset_query; with pool_mode = transaction or statement it does not.
 */

/** What does not hold of sessions at an address; null when they are as they have to be. */
type Flaw = 'shared' | 'used' | null;

/** In which a pooler that hands sessions around gives itself away; most do at the first. */
const ROUNDS = 5;
const MARK = 'prepadata.left_behind';

/**
 * @param what the database as an operator knows it: `the analytics database host:port/name`
 * @throws ConfigurationError when a pooler stands before it whose sessions are of no use; the driver's errors; the
 *   signal's reason as soon as it aborts
 */
export async function refuseUselessPooler(address: DatabaseAddress, what: string, signal: AbortSignal): Promise<void> {
  const flaw = await unlessAborted(findFlaw(address, signal), signal);
  if (flaw === 'shared') {
    throw new ConfigurationError(
      `a connection pooler stands before ${what} that gives a session of the server to several connections in turn (transaction or statement pooling); locks, notifications and prepared statements are lost by that`,
      'connect to the server itself, or to a pool of sessions (PgBouncer: pool_mode = session for this database)',
    );
  }
  if (flaw === 'used') {
    throw new ConfigurationError(
      `a connection pooler stands before ${what} that hands on sessions as the one before has left them, with its locks and prepared statements`,
      'let it clear them (PgBouncer: server_reset_query = DISCARD ALL), or connect to the server itself',
    );
  }
}

async function findFlaw(address: DatabaseAddress, signal: AbortSignal): Promise<Flaw> {
  return withTwo(address, signal, async (one, other) => {
    const [pid, neighbour] = [await pidOf(one), await pidOf(other)];
    if (pid === neighbour) return 'shared';
    // A pooler tells its clients numbers of its own.
    if (pid === keyOf(one) && neighbour === keyOf(other)) return null;
    for (let round = 0; round < ROUNDS; round += 1) {
      // The first one twice in a row: where turns are taken, two of two would always get the same.
      const pids = [await pidOf(one), await pidOf(one), await pidOf(other)];
      if (pids.some((now, n) => now !== [pid, pid, neighbour][n])) return 'shared';
    }
    return (await isHandedOn(address, signal, one, pid)) ? 'used' : null;
  });
}

/** Leaves something in a session, and looks whether the next one finds it; it mostly gets the one that was left last. */
async function isHandedOn(
  address: DatabaseAddress,
  signal: AbortSignal,
  one: pg.Client,
  pid: number,
): Promise<boolean> {
  await one.query(`SELECT set_config('${MARK}', 'yes', false)`);
  await one.end();
  const next = await connect(address, signal);
  try {
    if ((await pidOf(next)) !== pid) return false;
    const { rows } = await next.query<{ left: string | null }>(`SELECT current_setting('${MARK}', true) AS left`);
    return rows[0]?.left === 'yes';
  } finally {
    await next.end().catch(() => {});
  }
}

async function withTwo<T>(
  address: DatabaseAddress,
  signal: AbortSignal,
  work: (one: pg.Client, other: pg.Client) => Promise<T>,
): Promise<T> {
  const one = await connect(address, signal);
  try {
    const other = await connect(address, signal);
    try {
      return await work(one, other);
    } finally {
      await other.end().catch(() => {});
    }
  } finally {
    await one.end().catch(() => {});
  }
}

/** Bare: in a session that is not ours alone nothing may be set. It is closed as soon as the signal aborts. */
async function connect(address: DatabaseAddress, signal: AbortSignal): Promise<pg.Client> {
  const socket = new Socket();
  const stop = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', stop));
  const client = new pg.Client({
    ...address,
    application_name: 'prepadata check',
    connectionTimeoutMillis: 10_000,
    query_timeout: 10_000,
    stream: () => socket,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** What the other side said at the beginning was the number of the server's process; @types/pg leaves it out. */
const keyOf = (client: pg.Client): number | null =>
  (client as pg.Client & { readonly processID: number | null }).processID;

/** PgBouncer refuses with this code whatever it is; what passes (a server that is away, a full pool) has it, too. */
const PROTOCOL_VIOLATION = '08P01';

/**
 * What a pooler will never let us do, if that is what it said.
 * @param prefix of the database's settings: SOURCE_DB
 */
export function poolerRefusal(error: unknown, what: string, prefix: string): ConfigurationError | undefined {
  const said = messageOf(error);
  if ((error as { code?: unknown }).code !== PROTOCOL_VIOLATION) return undefined;
  if (/unsupported startup parameter: replication/.test(said)) {
    return new ConfigurationError(
      `a connection pooler stands before ${what}, and passes no replication on: ${said}`,
      `let ${prefix}_HOST and ${prefix}_PORT name the server itself`,
      { cause: error },
    );
  }
  if (/unsupported startup parameter|no such (database|user)|authentication failed/.test(said)) {
    return new ConfigurationError(
      `the connection pooler before ${what} refuses us: ${said}`,
      `correct ${prefix}_NAME, ${prefix}_USER and ${prefix}_PASSWORD, or tell the pooler of this database and user; or name the server itself`,
      { cause: error },
    );
  }
  return undefined;
}

/** A prepared statement that is there though we have made none of that name yet, or not there though we have. */
const STRANGE_STATEMENT = new Set(['42P05', '26000']);

/** What is behind an error that a session of ours cannot have: somebody else has it as well, or had it before. */
export function notOurs(error: unknown): SessionRefused | undefined {
  if (!STRANGE_STATEMENT.has(String((error as { code?: unknown }).code))) return undefined;
  return new SessionRefused(
    `a session of the database is not ours alone (${messageOf(error)}): a connection pooler stands before it that shares sessions or hands them on as they are`,
    'connect to the server itself, or to a pool of sessions that are cleared (PgBouncer: pool_mode = session, server_reset_query = DISCARD ALL)',
    { cause: error },
  );
}
