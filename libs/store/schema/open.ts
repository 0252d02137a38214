import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { nameInSql } from '#libs/domain/source-tables/names.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import {
  type Database,
  type DatabaseAddress,
  isDatabaseFault,
  openDatabase,
} from '#libs/platform/postgres/database.ts';
import { poolerRefusal, refuseUselessPooler } from '#libs/platform/postgres/pooler.ts';
import { SessionRefused } from '#libs/platform/postgres/session-settings.ts';
import { tlsFailure } from '#libs/platform/postgres/tls.ts';
import { retryWhileUnavailable, sleep } from '#libs/platform/retry.ts';
import { migrate, NOT_ALLOWED, SchemaHeld } from './migrate.ts';
import { type AnalyticsRole, SESSION_LIMITS } from './session-limits.ts';
import { schemaSql } from './statements.ts';

const RETRY_MS = 1_000;

/**
 * For the sessions of those who work on queues: a plan is made once a session, by what a queue is like at that moment, and
 * of a queue that is nearly empty the planner would read all; it would go on so when thousands wait.
 */
export const PLANS_OF_QUEUES = { enable_seqscan: 'off' } as const;

export interface OpenAnalyticsOptions {
  readonly connections?: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** What it does there, which says how long that may take. */
  readonly role: AnalyticsRole;
  readonly log: Log;
  /** It works on queues, see {@link PLANS_OF_QUEUES}. */
  readonly worksOnQueues?: boolean;
  /** Ends the waiting; the database is then given back as it is, not migrated. */
  readonly signal: AbortSignal;
  /** Told what is waited for, each time it is tried in vain. */
  onWaiting?(sentence: string): void;
}

/**
 * Opens the analytics database and brings it to the schema of this program. One that does not answer yet is waited for,
 * in sight.
 * @throws ConfigurationError when the server is there and will not have us; UnrecoverableError when its schema is newer
 */
export async function openAnalytics(address: DatabaseAddress, given: OpenAnalyticsOptions): Promise<Database> {
  const options = { ...given, log: moduleLog(given.log, 'database') };
  const { log, signal } = options;
  const db = openDatabase(address, {
    ...(options.connections === undefined ? {} : { connections: options.connections }),
    name: options.name,
    settings: { ...SESSION_LIMITS[options.role], ...(options.worksOnQueues === true ? PLANS_OF_QUEUES : {}) },
    onIdleError: (error) => log.warn({ err: error }, 'an idle connection to the analytics database ended'),
  });
  try {
    await migrateWhenThere(db, address, options);
  } catch (error) {
    await db.close();
    throw error;
  }
  if (signal.aborted) log.info('stopped before the analytics database answered');
  return db;
}

/** Who waits for the analytics database as it starts. */
export interface Starting {
  readonly log: Log;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Told what is waited for, each time it is tried in vain. */
  onWaiting?(sentence: string): void;
}

/**
 * Asks the analytics database for what a start needs, again and again while it is away or short of connections, in sight.
 * @throws what no waiting fixes; the signal's reason as soon as it aborts
 */
export function untilAnswered<T>(ask: () => Promise<T>, starting: Starting): Promise<T> {
  const { signal = new AbortController().signal } = starting;
  return retryWhileUnavailable(ask, {
    signal,
    onUnavailable: (error) => {
      if (!isDatabaseFault(error)) throw error;
      starting.log.warn({ err: error }, 'the analytics database does not answer; trying again');
      starting.onWaiting?.(`the analytics database does not answer (${messageOf(error)}); trying again …`);
    },
  });
}

/**
 * Does a command's work on the analytics database, and closes it.
 * @param work may heed the signal, which aborts when the command is to stop
 * @returns 1 when stopped before, else what `work` answers
 */
export async function withAnalytics(
  address: DatabaseAddress,
  options: Omit<OpenAnalyticsOptions, 'signal'>,
  work: (db: Database, stopping: AbortSignal) => Promise<number>,
): Promise<number> {
  const stopping = new AbortController();
  onSignals(() => stopping.abort());
  const db = await openAnalytics(address, { ...options, signal: stopping.signal });
  try {
    return stopping.signal.aborted ? 1 : await work(db, stopping.signal);
  } finally {
    await db.close();
  }
}

async function migrateWhenThere(db: Database, address: DatabaseAddress, options: OpenAnalyticsOptions): Promise<void> {
  const { log, signal, onWaiting } = options;
  const where = `${address.host}:${address.port}/${address.database}`;
  while (!signal.aborted) {
    try {
      await refuseUselessPooler(address, `the analytics database ${where}`, signal);
      await refuseOtherEncoding(db, where);
      const applied = await migrate(db);
      if (applied.length > 0) log.info({ applied }, 'the analytics database was brought to the schema of this program');
      return;
    } catch (error) {
      if (signal.aborted) return;
      const refused = (await ownedByAnother(db, error, where)) ?? refusedByServer(error, where);
      const mayPass = error instanceof SchemaHeld || isDatabaseFault(error);
      if (refused !== undefined || error instanceof SessionRefused || !mayPass) throw refused ?? error;
      const what = error instanceof SchemaHeld ? 'cannot be brought to the schema of this program' : 'does not answer';
      log.warn({ err: error }, `the analytics database ${what}; trying again each second`);
      onWaiting?.(`the analytics database ${where} ${what} (${messageOf(error)}); trying again each second …`);
      await sleep(RETRY_MS, signal);
    }
  }
}

/** @throws ConfigurationError for a database that does not take every text, or takes what is none */
async function refuseOtherEncoding(db: Database, where: string): Promise<void> {
  const [row] = await db.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
  if (row === undefined || row.encoding === 'UTF8') return;
  throw new ConfigurationError(
    `the analytics database ${where} is encoded in ${row.encoding}, which does not hold every text that a source may have`,
    "make another one, run: CREATE DATABASE prepadata OWNER <user> ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0; and set ANALYTICS_DB_NAME to it",
  );
}

/** What is made belongs to the login that makes it, and not to the group that both logins are of, perhaps. */
async function ownedByAnother(db: Database, error: unknown, where: string): Promise<ConfigurationError | undefined> {
  const { code, message = '' } = error as { code?: string; message?: string };
  if (code !== NOT_ALLOWED) return undefined;
  const [row] = await db.query<{ who: string; maker: string; owner: string; isOfOwner: boolean }>(
    schemaSql.schema_maker,
  );
  if (row === undefined) return undefined;
  const { who, maker, owner, isOfOwner } = row;
  return new ConfigurationError(
    `the tables of the analytics database ${where} were made by ${maker} and are not open to ${who}: ${message}`,
    `log in as the one who made them: ANALYTICS_DB_USER=${maker}; or, ${
      isOfOwner
        ? `to have them belong to the owner of the database, as a superuser, in this database, run: REASSIGN OWNED BY ${nameInSql(maker)} TO ${nameInSql(owner)};`
        : 'for a process with a login of its own, run connectors/analytics-roles.sql as its head says'
    }`,
    { cause: error },
  );
}

/** A relation of that name exists, or is of another kind. */
const SOMEBODY_ELSES = new Set(['42P07', '42809']);

/** The server is there, but will not have us: no waiting repairs that. */
function refusedByServer(error: unknown, where: string): ConfigurationError | undefined {
  const what = `the analytics database ${where}`;
  const refused = tlsFailure(error, what, 'ANALYTICS_DB') ?? poolerRefusal(error, what, 'ANALYTICS_DB');
  if (refused !== undefined) return refused;
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (/^(28|3D)/.test(code)) {
    return new ConfigurationError(
      `the analytics database ${where} refuses us: ${message}`,
      'correct ANALYTICS_DB_NAME, ANALYTICS_DB_USER and ANALYTICS_DB_PASSWORD, or create the database and its role',
      { cause: error },
    );
  }
  if (SOMEBODY_ELSES.has(code)) {
    return new ConfigurationError(
      `the analytics database ${where} holds a table of somebody else's under a name of ours, as that of the original PrepaData does: ${message}`,
      'give PrepaData a database of its own: CREATE DATABASE prepadata OWNER <user>; and ANALYTICS_DB_NAME=prepadata. This one stays as it is',
      { cause: error },
    );
  }
  if (code === NOT_ALLOWED) {
    return new ConfigurationError(
      `the user of the analytics database ${where} may not make its tables: ${message}`,
      'make ANALYTICS_DB_USER the owner of the database: ALTER DATABASE <name> OWNER TO <user>;',
      { cause: error },
    );
  }
  return undefined;
}
