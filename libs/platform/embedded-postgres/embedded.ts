import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import pg from 'pg';
import { messageOf, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import { readIfThere } from '../file-if-there.ts';
import type { DatabaseAddress } from '../postgres/database.ts';
import { connectSettled } from '../postgres/session-settings.ts';
import type { DatabaseTls } from '../postgres/tls.ts';
import { sleep } from '../retry.ts';
import {
  asUser,
  BARE_ENVIRONMENT,
  type Binaries,
  forgetOtherBinaries,
  homeOf,
  initialise,
  loadBinaries,
  ownBinaries,
} from './binaries.ts';
import { settingsOfTls } from './encryption.ts';
import { ensureLogins, type Login, type Logins, loginsOf } from './logins.ts';

/**
 * A Postgres server as a local process, from the binaries that npm installs.
 *
 * It runs in a process group of its own, so that Ctrl-C in the terminal reaches us and not it: we drain first, then it
 * stops. If we die without stopping it (kill -9), it keeps running; the next start finds it by `postmaster.pid` in its
 * folder and adopts it.
 */
export interface EmbeddedPostgres {
  readonly pid: number;
  readonly adopted: boolean;
  /** Where its files are: the requested folder, unless the user that runs it cannot enter that. */
  readonly folder: string;
  readonly logFile: string;
  /** As the application, which owns the databases made here, but is no superuser. */
  address(database: string): DatabaseAddress;
  /** As the superuser. */
  admin(database: string): DatabaseAddress;
  /** Creates the database, owned by the application, if it does not exist; true if it was created. */
  ensureDatabase(name: string): Promise<boolean>;
  /** Lets the application make logins for parts of itself. */
  allowLogins(): Promise<void>;
  /** Waits for a fast shutdown; forces an immediate one after the deadline. */
  stop(deadlineMs?: number): Promise<void>;
}

export interface EmbeddedOptions {
  /** Holds `data/` (the cluster) and `postgres.log`. */
  readonly folder: string;
  /** Server settings, e.g. `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The preferred port; if it is in use, a free one is taken. Kept across restarts when possible. */
  readonly port?: number;
  /** Take the preferred port or fail: the users of the server rely on it. */
  readonly fixedPort?: boolean;
  /** PEM texts. If given, connections have to be encrypted, and trust this certificate; otherwise they are not encrypted. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The server's programs; by default those that npm installs for this machine. */
  readonly binaries?: Binaries;
}

const LOOPBACK = '127.0.0.1';
const START_MS = 120_000;
const LEAVING_MS = 5_000;
/** How long one look at a server may take that may not be up yet. */
const LOOK_MS = 2_000;
/** Below the ten seconds that a program gives each of its parts to stop. */
const STOP_MS = 8_000;

/** The words of the server's log, in the locale of its bare environment. */
const PORT_TAKEN = 'Address already in use';
const ATTEMPTS = 3;
/** The line of `postmaster.pid`, from 0, with the server's own status. */
const STATUS_LINE = 7;

export function freePort(preferred = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' && preferred !== 0 ? resolve(freePort(0)) : reject(error),
    );
    server.listen(preferred, LOOPBACK, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface Running {
  readonly pid: number;
  readonly port: number;
  /** Its folder had another name when it was started, by which it does not find its own files any more. */
  readonly isMoved: boolean;
}

/** The lines of a server's own pid file; none where there is no file. */
const linesOfPidFile = (data: string): string[] => readIfThere(path.join(data, 'postmaster.pid'))?.split('\n') ?? [];

/** The running server of this folder, by the lines of its pid file; undefined if the file is stale or missing. */
function findRunning(data: string, lines: readonly string[]): Running | undefined {
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || !isAlive(pid)) return undefined;
  if (!existsSync('/proc/self/cmdline')) return { pid, port, isMoved: false };
  const of = (name: string): string => path.join('/proc', String(pid), name);
  const command = readIfThere(of('cmdline'))?.split('\0') ?? [];
  // A server works in its data.
  const isHere = command.includes(data) || realOf(of('cwd')) === realOf(data);
  return isHere ? { pid, port, isMoved: !command.some((word) => realOf(word) === realOf(data)) } : undefined;
}

/** Undefined for what is not there, or where we may not look. */
function realOf(place: string): string | undefined {
  try {
    return realpathSync(place);
  } catch {
    return undefined;
  }
}

/** Waits until it answers at all, even if only to refuse the password. */
async function untilAnswers(connect: () => pg.Client, logFile: string, gone: () => boolean): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const client = connect();
    try {
      await client.connect();
      return;
    } catch (cause) {
      if (isRefusal(cause)) return;
      if (gone() || Date.now() > deadline) throw notStarted(logFile, cause);
      await sleep(30);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

function notStarted(logFile: string, cause: unknown): UnrecoverableError {
  const log = readIfThere(logFile)?.trim().split('\n').slice(-5).join('\n  ') ?? '(no log)';
  return new UnrecoverableError(
    'embedded_postgres',
    `the embedded Postgres did not start; the last lines of its log ${logFile}:\n  ${log}`,
    'free the space or fix the cause named there and start again; to begin anew, remove the data folder',
    { cause },
  );
}

/**
 * True when a server that was shutting down has gone, and the folder is free. One that hangs while shutting down (waiting
 * for a full disk, say) is killed: what was committed is in its log, as after any crash.
 */
async function isLeaving(
  { pid, port }: { pid: number; port: number },
  { superuser }: Logins,
  ssl: DatabaseTls | undefined,
): Promise<boolean> {
  for (const timeout = Date.now() + LEAVING_MS; isAlive(pid); await sleep(50)) {
    const client = clientOf(port, superuser, ssl);
    const said = await client.connect().then(
      () => '',
      (error: Error) => error.message,
    );
    await client.end().catch(() => {});
    if (!said.includes('shutting down')) return !isAlive(pid);
    if (Date.now() > timeout) process.kill(pid, 'SIGQUIT');
  }
  return true;
}

/** Starts the server of `folder`, making its cluster at the first call, or adopts the one that is already running there. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { folder, data, binaries, logins, encrypting } = await prepare(options);
  const logFile = path.join(folder, 'postgres.log');
  const portFile = path.join(folder, 'port');
  const ssl = options.tls && { rejectUnauthorized: true, ca: options.tls.certificate };
  const pidLines = linesOfPidFile(data);
  const running = findRunning(data, pidLines);
  if (running?.isMoved) await stop(running.pid, STOP_MS);
  else if (running !== undefined && !(await isLeaving(running, logins, ssl))) {
    await untilAnswers(
      () => clientOf(running.port, logins.superuser, ssl),
      logFile,
      () => !isAlive(running.pid),
    );
    return handle({ folder, logFile, pid: running.pid, adopted: true }, running.port, logins, ssl);
  }
  forgetOtherBinaries(folder, binaries);
  const kept = Number(readIfThere(portFile) ?? 0);
  let port = options.fixedPort ? (options.port ?? kept) : await freePort(kept || options.port || 0);
  let child: ChildProcess;
  for (let attempt = 1; ; attempt += 1) {
    writeFileSync(portFile, String(port));
    const logged = existsSync(logFile) ? statSync(logFile).size : 0;
    child = launch(binaries, data, logFile, port, { ...options.settings, ...encrypting }, pidLines[0]);
    if (await isUp(child, data)) break;
    const wasTaken = readFileSync(logFile).subarray(logged).includes(PORT_TAKEN);
    if (options.fixedPort || !wasTaken || attempt === ATTEMPTS) throw notStarted(logFile, undefined);
    // It was taken after we saw it free: another server that starts at the same moment prefers the same port.
    port = await freePort();
  }
  try {
    return await handle({ folder, logFile, pid: child.pid ?? 0, adopted: false }, port, logins, ssl);
  } catch (error) {
    await stop(child.pid ?? 0, STOP_MS);
    throw error;
  }
}

/** Sets up everything a server needs to run. What the machine refuses becomes an error that says what helps. */
async function prepare(options: EmbeddedOptions) {
  try {
    const folder = homeOf(options.folder);
    const data = path.join(folder, 'data');
    const binaries = ownBinaries(options.binaries ?? (await loadBinaries()), folder);
    const logins = loginsOf(folder, existsSync(data));
    const encrypting = options.tls === undefined ? {} : settingsOfTls(folder, options.tls);
    if (!existsSync(data)) {
      // Renamed when complete: a cluster that was half made when the process was killed is made again.
      rmSync(`${data}.new`, { recursive: true, force: true });
      await initialise(binaries, folder, `${data}.new`, logins.superuser);
      renameSync(`${data}.new`, data);
    }
    return { folder, data, binaries, logins, encrypting };
  } catch (cause) {
    if (cause instanceof PrepaError) throw cause;
    throw new UnrecoverableError(
      'embedded_postgres',
      `the embedded Postgres in ${path.resolve(options.folder)} could not be set up: ${messageOf(cause)}`,
      'make room there, give this user the right to write and to run programs there (where noexec is mounted nobody has it), or set DATA_DIR to another folder; then start again',
      { cause },
    );
  }
}

/** False if it ended before it was ready. Not tested by its port, where another server may answer. */
async function isUp(child: ChildProcess, data: string): Promise<boolean> {
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(20)) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    const lines = linesOfPidFile(data);
    if (Number(lines[0]) === child.pid && lines[STATUS_LINE]?.trim() === 'ready') return true;
  }
  return false;
}

/** @param gone the pid of the server that left its pid file: by now it may be that of any other program, as after a reboot */
function launch(
  binaries: Binaries,
  data: string,
  logFile: string,
  port: number,
  settings: Readonly<Record<string, string | number>>,
  gone: string | undefined,
): ChildProcess {
  const all: Record<string, string | number> = {
    listen_addresses: LOOPBACK,
    unix_socket_directories: '',
    port,
    max_connections: 100,
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(binaries.postgres, ['-D', data, ...flags], {
    ...asUser(),
    cwd: path.dirname(data),
    detached: true,
    stdio: ['ignore', log, log],
    // A server takes this pid for no server's; with any other that lives and is of its user, it refuses to start.
    env: { ...BARE_ENVIRONMENT, ...(gone === undefined ? {} : { PG_GRANDPARENT_PID: gone }) },
  });
  child.once('error', () => {});
  // A process that exits without having stopped it, for instance before it was up, must not leave it running.
  const leave = (): void => void child.kill('SIGINT');
  process.once('exit', leave);
  child.once('exit', () => process.off('exit', leave));
  child.unref();
  return child;
}

const addressOn = (
  port: number,
  database: string,
  { user, password }: Login,
  ssl: DatabaseTls | undefined,
): DatabaseAddress => ({ host: LOOPBACK, port, database, user, password, ...(ssl && { ssl }) });

/** Codes of class 28: the server works, but does not let this user in. */
const isRefusal = (error: unknown): boolean => String((error as { code?: unknown }).code).startsWith('28');

function clientOf(port: number, login: Login, ssl: DatabaseTls | undefined, timeoutMs = LOOK_MS): pg.Client {
  const client = new pg.Client({ ...addressOn(port, 'postgres', login, ssl), connectionTimeoutMillis: timeoutMs });
  client.on('error', () => {});
  return client;
}

async function handle(
  server: Pick<EmbeddedPostgres, 'folder' | 'logFile' | 'pid' | 'adopted'>,
  port: number,
  logins: Logins,
  ssl: DatabaseTls | undefined,
): Promise<EmbeddedPostgres> {
  const { folder, pid } = server;
  // It is up, but on a machine that has much to do it may take its time to let us in.
  const connect = (login = logins.superuser): pg.Client => clientOf(port, login, ssl, START_MS);
  await ensureLogins(folder, logins, connect);
  return {
    ...server,
    address: (database) => addressOn(port, database, logins.application, ssl),
    admin: (database) => addressOn(port, database, logins.superuser, ssl),
    ensureDatabase: (name) => ensureDatabase(connect(), name, logins.application.user),
    allowLogins: () => allowLogins(connect(), logins.application.user),
    stop: (deadlineMs = STOP_MS) => stop(pid, deadlineMs),
  };
}

async function ensureDatabase(client: pg.Client, name: string, owner: string): Promise<boolean> {
  await connectSettled(client);
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount !== 0) return false;
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${pg.escapeIdentifier(owner)}`);
    return true;
  } finally {
    await client.end();
  }
}

async function allowLogins(client: pg.Client, user: string): Promise<void> {
  await connectSettled(client);
  try {
    await client.query(`ALTER ROLE ${pg.escapeIdentifier(user)} CREATEROLE`);
  } finally {
    await client.end();
  }
}

/** SIGINT is Postgres' fast shutdown: open transactions are rolled back, everything committed is kept. */
async function stop(pid: number, deadlineMs: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGINT');
  for (const until = Date.now() + deadlineMs; Date.now() < until; await sleep(20)) {
    if (!isAlive(pid)) return;
  }
  process.kill(pid, 'SIGQUIT');
}
