import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';

/** Debian installs it where only root looks. */
const SEARCH = `${process.env['PATH']}:/usr/sbin:/usr/local/sbin`;
const NOBODY = 65534;

const version = spawnSync('pgbouncer', ['--version'], { env: { PATH: SEARCH }, encoding: 'utf8' });

/** Whether to skip tests that need PgBouncer. In CI none is skipped: there they fail, and name the command to run. */
export const isWithoutPgBouncer = process.env['CI'] === undefined && version.status !== 0;

/** The version, e.g. 1.18. */
const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(version.stdout ?? '')?.map(Number) ?? [];
const isAtLeast = (wanted: number): boolean => major > 1 || minor >= wanted;
/** It supports prepared statements, under names of its own. */
export const TRACKS_STATEMENTS = isAtLeast(21);
export const PASSES_REPLICATION = isAtLeast(23);

export interface PgBouncer {
  /** The database behind it, reached through it. */
  readonly address: DatabaseAddress;
  stop(): Promise<void>;
}

/**
 * A PgBouncer in front of a database, on a free port.
 * @param settings for its file, e.g. `{ pool_mode: 'transaction' }`
 * @throws Error if it is not installed
 */
export async function startPgBouncer(
  behind: DatabaseAddress,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PgBouncer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const users = path.join(folder, 'users.txt');
  writeFileSync(users, `"${behind.user}" "${behind.password}"\n`);
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: users,
    max_client_conn: 200,
    default_pool_size: 60,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const file = path.join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]\n${behind.database} = host=${behind.host} port=${behind.port}\n[pgbouncer]\n${lines.join('\n')}\n`,
  );
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn('pgbouncer', [file], { ...user, env: { PATH: SEARCH }, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      said += error.code === 'ENOENT' ? 'pgbouncer is not installed; run: apt-get install -y pgbouncer' : error.message;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  const address = { ...behind, host: '127.0.0.1', port };
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!(await answers(address))) {
    if (isOver) {
      await stop();
      throw new Error(`PgBouncer does not run: ${said}`);
    }
    await sleep(30);
  }
  return { address, stop };
}

async function answers(address: DatabaseAddress): Promise<boolean> {
  const client = new pg.Client({ ...address, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT');
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== 'ECONNREFUSED';
  } finally {
    await client.end().catch(() => {});
  }
}
