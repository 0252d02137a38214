import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { nameInSql } from '#libs/domain/source-tables/names.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import {
  type Database,
  type DatabaseAddress,
  isDatabaseFault,
  isLoginFailure,
  openDatabase,
  placeOf,
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
 * For sessions that work on queues: a statement is planned once per session, for the queue as it is at that moment. For a
 * nearly empty queue the planner would choose to read all of it, and would keep doing so when thousands wait.
 */
export const PLANS_OF_QUEUES = { enable_seqscan: 'off' } as const;

export interface OpenAnalyticsOptions {
  readonly connections?: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** What it does there, which determines its time limits. */
  readonly role: AnalyticsRole;
  readonly log: Log;
  /** It works on queues, see {@link PLANS_OF_QUEUES}. */
  readonly worksOnQueues?: boolean;
  /** Ends the waiting; the database is then returned as it is, not migrated. */
  readonly signal: AbortSignal;
  /** Called after each failed attempt with a sentence that says what is waited for. */
  onWaiting?(sentence: string): void;
}

/**
 * Opens the analytics database and upgrades it to the schema of this program. Waits for a database that does not answer yet,
 * and says so.
 * @throws ConfigurationError when the server answers but refuses us; UnrecoverableError when its schema is newer
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

/** What a start needs in order to wait for the analytics database. */
export interface Starting {
  readonly log: Log;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Called after each failed attempt with a sentence that says what is waited for. */
  onWaiting?(sentence: string): void;
}

/**
 * Runs a query that a start needs, again and again while the analytics database is unreachable or short of connections, and
 * says that it is waiting.
 * @throws any error that waiting does not fix; the signal's reason as soon as it aborts
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
 * Opens the analytics database for a command, does its work, and closes it.
 * @param work may heed the signal, which aborts when the command should stop
 * @returns 1 if stopped before the work began, else what `work` returns
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
  const where = placeOf(address);
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

/** @throws ConfigurationError for a database that is not encoded in UTF-8: it cannot store every text, or accepts invalid text */
async function refuseOtherEncoding(db: Database, where: string): Promise<void> {
  const [row] = await db.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
  if (row === undefined || row.encoding === 'UTF8') return;
  throw new ConfigurationError(
    `the analytics database ${where} is encoded in ${row.encoding}, which does not hold every text that a source may have`,
    "make another one, run: CREATE DATABASE prepadata OWNER <user> ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0; and set ANALYTICS_DB_NAME to it",
  );
}

/** Tables belong to the login that creates them, even if another login is a member of the same group. */
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

/** Postgres's error codes when a relation of that name exists, or is of another kind. */
const SOMEBODY_ELSES = new Set(['42P07', '42809']);

/** The server answers but refuses us, which no waiting fixes. */
function refusedByServer(error: unknown, where: string): ConfigurationError | undefined {
  const what = `the analytics database ${where}`;
  const refused = tlsFailure(error, what, 'ANALYTICS_DB') ?? poolerRefusal(error, what, 'ANALYTICS_DB');
  if (refused !== undefined) return refused;
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (/^(28|3D)/.test(code) || isLoginFailure(error)) {
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
