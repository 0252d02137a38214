import { spawn } from 'node:child_process';
import path from 'node:path';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly err: string;
}

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Sent once the command shows its progress. */
  readonly kill?: NodeJS.Signals;
}

/** Runs `npm run dataset` without npm, so that signals and exit codes are its own. */
export function runDataset(
  { host, port, database, user, password }: DatabaseAddress,
  args: readonly string[],
  { env = {}, kill }: RunOptions = {},
): Promise<Ended> {
  const address = {
    ANALYTICS_DB_HOST: host,
    ANALYTICS_DB_PORT: String(port),
    ANALYTICS_DB_NAME: database,
    ANALYTICS_DB_USER: user,
    ANALYTICS_DB_PASSWORD: password,
  };
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'services/dataset/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...address, ...env },
  });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
    if (kill !== undefined && err.includes('keys,')) child.kill(kill);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, err })));
}
