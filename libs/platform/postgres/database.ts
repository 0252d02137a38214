import { readFileSync } from 'node:fs';
import pg from 'pg';
import { isNotTrusted } from '../certificates.ts';
import type {
  DatabaseAddress,
  LoadingTransaction,
  Queryable,
  SqlStatement,
  SqlValue,
  Transaction,
} from './contract.ts';
import { copyIn } from './copy.ts';
import { PoolWaiting } from './pool-waiting.ts';
import { notOurs } from './pooler.ts';
import { type DatabaseSession, openDatabaseSession } from './session.ts';
import { SessionRefused, settleSession } from './session-settings.ts';

export type * from './contract.ts';

/**
 * Loads `<folder>/<name>.sql` for each name, once, at import.
 * @param folder the folder's URL, e.g. `new URL('./sql/', import.meta.url)`
 */
export function loadStatements<N extends string>(folder: URL, names: readonly N[]): Record<N, SqlStatement> {
  const scope = folder.pathname.split('/').slice(-3, -2)[0] ?? 'sql';
  const load = (name: N): [N, SqlStatement] => {
    const text = readFileSync(new URL(`${name}.sql`, folder), 'utf8');
    return [name, { name: `${scope}/${name}`, text }];
  };
  return Object.fromEntries(names.map(load)) as Record<N, SqlStatement>;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in a READ COMMITTED transaction on a connection of its own. A commit that Postgres answers with
   * ROLLBACK (it does so without an error if the transaction had failed) is an error here. Statements issued without
   * awaiting earlier ones run in the order in which they were issued, each with a snapshot of its own.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The same for writing many rows. There is one such connection, opened when it is needed. */
  loading<T>(work: (tx: LoadingTransaction) => Promise<T>): Promise<T>;
  /** Takes a connection out of the pool for as long as the session lives. */
  session(): Promise<DatabaseSession>;
  /** How long the longest waiting caller has waited for a connection while all are in use. Milliseconds; 0: nobody waits. */
  readonly waitingMs: number;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly connections?: number;
  /** Shown in pg_stat_activity. */
  readonly name?: string;
  /** Settings of the server for each session, in addition to those that every session has. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called with errors of idle connections; the pool itself recovers by reconnecting. */
  readonly onIdleError?: (error: Error) => void;
}

/** `host:port/database`, as an operator knows it. */
export const placeOf = ({ host, port, database }: DatabaseAddress): string => `${host}:${port}/${database}`;

const INT8 = 20;
const DATE = 1082;

/** int8 as bigint (the driver's default is a string), date as `YYYY-MM-DD` (the default is local midnight). */
const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === INT8) return (text: string) => BigInt(text);
      if (oid === DATE) return (text: string) => text;
    }
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

async function run<R extends object>(
  client: pg.Pool | pg.PoolClient,
  statement: SqlStatement | string,
  values: readonly SqlValue[],
): Promise<R[]> {
  const config = typeof statement === 'string' ? { text: statement } : statement;
  try {
    return (await client.query<R>({ ...config, values: values as unknown[] })).rows;
  } catch (error) {
    throw notOurs(error) ?? error;
  }
}

/** By default a system waits two hours before it checks whether a silent server is still there. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 30_000 } as const;

export function openDatabase(address: DatabaseAddress, options: DatabaseOptions = {}): Database {
  // Statements that do not wait for each other's answers are sent together; the server runs them in order.
  const pool = openPool(address, options, { max: options.connections ?? 8, pipeline: true });
  // The driver cannot pipeline the rows of COPY.
  const loaders = openPool(address, options, { max: 1, pipeline: false });
  const waiting = new PoolWaiting(pool);
  return {
    query: (statement, values = []) => waiting.heed(run(pool, statement, values)),
    transaction: async (work) => inTransaction(await waiting.heed(pool.connect()), true, work),
    loading: async (work) => inTransaction(await loaders.connect(), false, work),
    session: async () => {
      const client = await waiting.heed(pool.connect());
      return openDatabaseSession(client, (statement, values) => run(client, statement, values));
    },
    get waitingMs() {
      return waiting.longestMs;
    },
    close: async () => {
      await Promise.all([pool.end(), loaders.end()]);
    },
  };
}

/** Errors of connecting. */
const ofConnecting = new WeakSet<Error>();

/** Notes errors of connecting, which come to the same callers as those of statements, and may look like them. */
class NotingClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(told: (error: Error) => void): void;
  override connect(told?: (error: Error) => void): unknown {
    if (told === undefined) return super.connect();
    return super.connect((error: Error | null) => {
      if (error !== null) ofConnecting.add(error);
      told(error as Error);
    });
  }
}

function openPool(
  address: DatabaseAddress,
  options: DatabaseOptions,
  kind: { readonly max: number; readonly pipeline: boolean },
): pg.Pool {
  const pool = new pg.Pool({
    Client: NotingClient,
    ...address,
    password: () => address.password,
    ...kind,
    application_name: options.name ?? 'prepadata',
    types: typeParsers,
    connectionTimeoutMillis: 10_000,
    ...KEEP_ALIVE,
    onConnect: (client) => settleSession(client, options.settings),
  });
  if (address.ssl !== undefined) Object.defineProperty(pool.options, 'ssl', { get: () => address.ssl });
  pool.on('error', (error) => options.onIdleError?.(error));
  return pool;
}

async function inTransaction<T>(
  client: pg.PoolClient,
  isPipelined: boolean,
  work: (tx: LoadingTransaction) => Promise<T>,
): Promise<T> {
  let broken: Error | undefined;
  // Nobody else hears of a connection that ends while it is out of the pool, and an unhandled error ends the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  const hold = isPipelined ? holder(client) : () => {};
  // Not awaited here: it is sent together with the first statement. The first failure is reported.
  hold();
  const begun = client.query('BEGIN');
  begun.catch(() => {});
  const statements = new TransactionStatements(client, hold, isPipelined ? undefined : begun);
  try {
    const result = await work(statements);
    await statements.spoken();
    await statements.end(new Error('the transaction has ended: a statement came after its work was done'));
    hold();
    const [commit] = await Promise.all([client.query('COMMIT'), begun, ...statements.withLast]);
    if (commit.command !== 'COMMIT')
      throw new Error('the transaction was rolled back at COMMIT: a statement in it had failed');
    return result;
  } catch (error) {
    await statements.end(error);
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/**
 * Sends statements that are issued in one turn in one piece: a system call for each would cost more than everything else
 * done for it here.
 * @returns call it before each of them
 */
function holder(client: pg.PoolClient): () => void {
  const { stream } = (client as pg.PoolClient & Pick<pg.Client, 'connection'>).connection;
  let isHeld = false;
  const release = (): void => {
    isHeld = false;
    stream.uncork();
  };
  return () => {
    if (isHeld) return;
    isHeld = true;
    stream.cork();
    process.nextTick(release);
  };
}

/** Whether a statement failed only because an earlier one had: the transaction, or the whole connection, was over. */
const isOfEarlier = (error: unknown): boolean => [undefined, '25P02'].includes((error as { code?: string }).code);

/**
 * The statements of one transaction. If several were issued together and one fails, the later ones fail only because the
 * transaction is over, and a caller may see any of these errors first: so all of them throw the first one. Once that was
 * taken back to a savepoint, the next failure is told. Once the work is over no statement is accepted: any part still
 * running would run it in the transaction of the connection's next user.
 */
class TransactionStatements implements LoadingTransaction {
  readonly #client: pg.PoolClient;
  readonly #hold: () => void;
  /** What is sent together with COMMIT. */
  readonly withLast: Promise<unknown>[] = [];
  #failed: { readonly error: unknown } | undefined;
  #ended: { readonly error: unknown } | undefined;
  /** The statement that the next one waits for; undefined: none waits. */
  #last: Promise<unknown> | undefined;

  /**
   * @param hold see {@link holder}
   * @param last what the first statement waits for, if each is to wait for the one before
   */
  constructor(client: pg.PoolClient, hold: () => void, last?: Promise<unknown>) {
    this.#client = client;
    this.#hold = hold;
    this.#last = last;
  }

  query<R extends object>(statement: SqlStatement | string, values: readonly SqlValue[] = []): Promise<R[]> {
    return this.#inTurn(() => run<R>(this.#client, statement, values));
  }

  copyIn(statement: SqlStatement, lines: Iterable<string>): Promise<void> {
    return this.#inTurn(() => copyIn(this.#client, statement.text, lines));
  }

  withCommit(given: Promise<unknown>): void {
    given.catch(() => {});
    this.withLast.push(given);
  }

  #inTurn<T>(speak: () => Promise<T>): Promise<T> {
    if (this.#last === undefined) return this.#say(speak);
    const said = this.#last.then(() => this.#say(speak));
    this.#last = said.catch(() => {});
    return said;
  }

  async #say<T>(speak: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended.error;
    this.#hold();
    try {
      return await speak();
    } catch (error) {
      if (this.#failed === undefined || !isOfEarlier(error)) this.#failed = { error };
      throw this.#failed.error;
    }
  }

  /** Resolves when no statement is waiting for its turn, or under way with others having to wait for it. */
  async spoken(): Promise<void> {
    await this.#last?.catch(() => {});
  }

  async end(error: unknown): Promise<void> {
    this.#ended ??= { error };
    await this.spoken();
  }
}

/** Whether the driver itself ends a login, without a code: there is no password, or the server turns out not to know it. */
export const isLoginFailure = (error: unknown): boolean => error instanceof Error && error.message.startsWith('SASL: ');

/**
 * True if the server is there but does not let us in: because of the login, the database's name, or a certificate. This may
 * pass: passwords change, databases are restored and certificates renewed while we run.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return /does not support SSL/i.test(error.message) || isLoginFailure(error);
  return /^(28|3D|55000$|ERR_SSL_)/.test(code) || isNotTrusted(code);
}

/**
 * True for a failure of the database itself (away, shutting down, out of space or connections, a deadlock or a serialisation
 * failure, a session with wrong settings, or none at all): retrying later may work, and the input is not to blame.
 */
export function isDatabaseFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof SessionRefused || ofConnecting.has(error) || isRefusal(error)) return true;
  const code = (error as Error & { code?: string }).code;
  if (code === undefined)
    // If a connection was lost while idle, the next statement's error only says that it is not queryable.
    return /connection terminated|connection timeout|timeout exceeded|timeout expired|read timeout|is not queryable/i.test(
      error.message,
    );
  if (/^E[A-Z]+$/.test(code)) return true;
  return /^(08|53|57|58|40|25P0[34])/.test(code) || code === '25006' || code === '55P03';
}

/**
 * True if the values are to blame, not the statement or the server: other values would not fail like this. Internal errors
 * count too, such as that of a row that would be too large or can no longer be read.
 */
export const isValueFault = (error: unknown): boolean =>
  error instanceof Error && /^(21|22|23|54|XX)/.test(String((error as Error & { code?: unknown }).code ?? ''));
