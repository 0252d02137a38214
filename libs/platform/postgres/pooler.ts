import { Socket } from 'node:net';
import pg from 'pg';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { unlessAborted } from '../lifecycle.ts';
import type { DatabaseAddress } from './contract.ts';
import { SessionRefused } from './session-settings.ts';

/*
 * A pooler between us and a database. Our locks, LISTEN, settings and prepared statements live as long as a session of the
 * server, so the session has to be ours from connecting to disconnecting, and must not keep anything of an earlier user.
 * PgBouncer does that with pool_mode = session and its own server_reset_query, but not with transaction or statement.
 */

/** What is wrong with the sessions at an address; null if they are as they have to be. */
type Flaw = 'shared' | 'used' | null;

/** How many rounds to look for a pooler that passes sessions around; most show in the first. */
const ROUNDS = 5;
const MARK = 'prepadata.left_behind';

/**
 * @param what the database as an operator knows it: `the analytics database host:port/name`
 * @throws ConfigurationError when there is a pooler before it whose sessions are of no use to us; the driver's errors; the
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
    // A pooler gives its clients process ids of its own.
    if (pid === processIdOf(one) && neighbour === processIdOf(other)) return null;
    for (let round = 0; round < ROUNDS; round += 1) {
      // The first one twice in a row: if sessions are used in turn, two alternating clients would always get the same ones.
      const pids = [await pidOf(one), await pidOf(one), await pidOf(other)];
      if (pids.some((now, n) => now !== [pid, pid, neighbour][n])) return 'shared';
    }
    return (await isHandedOn(address, signal, one, pid)) ? 'used' : null;
  });
}

/** Leaves something in a session, and checks whether the next client finds it; that mostly gets the session left last. */
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

/** Applies no settings: none may be set in a session that is not ours alone. Closed as soon as the signal aborts. */
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

/** The process id that the other side sent at the beginning; missing from @types/pg. */
export const processIdOf = (client: pg.Client): number | null =>
  (client as pg.Client & { readonly processID: number | null }).processID;

/** PgBouncer's code for every refusal, including those that pass (a server that is away, a full pool). */
const PROTOCOL_VIOLATION = '08P01';

/**
 * The error for something that a pooler will never let us do, if that is what it said.
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

/** A prepared statement exists though we have not made it yet, or is missing though we have. */
const STRANGE_STATEMENT = new Set(['42P05', '26000']);

/** Explains an error that cannot occur in a session of our own: somebody else uses the session too, or did before. */
export function notOurs(error: unknown): SessionRefused | undefined {
  if (!STRANGE_STATEMENT.has(String((error as { code?: unknown }).code))) return undefined;
  return new SessionRefused(
    `a session of the database is not ours alone (${messageOf(error)}): a connection pooler stands before it that shares sessions or hands them on as they are`,
    'connect to the server itself, or to a pool of sessions that are cleared (PgBouncer: pool_mode = session, server_reset_query = DISCARD ALL)',
    { cause: error },
  );
}
