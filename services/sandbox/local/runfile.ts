import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError, messageOf, PrepaError } from '#libs/domain/errors.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { writePrivately } from '#libs/platform/private-file.ts';
import { releaseLock, takeLock } from '#libs/platform/process-lock.ts';

/** What a running program tells other commands on this machine, in a file in the data folder. */
export interface RunFile {
  readonly pid: number;
  readonly url?: string;
  readonly source?: DatabaseAddress;
  readonly analytics?: DatabaseAddress;
}

const fileOf = (dataDir: string): string => path.join(dataDir, 'running.json');

function readRunFile(dataDir: string): RunFile | undefined {
  if (!existsSync(fileOf(dataDir))) return undefined;
  try {
    return JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as RunFile;
  } catch {
    return undefined;
  }
}

const lockOf = (dataDir: string): string => path.join(dataDir, 'npm-start.lock');

/**
 * Takes the data folder for this process.
 * @throws ConfigurationError if another process has it
 */
export function takeDataFolder(dataDir: string): void {
  const other = writing(dataDir, () => {
    mkdirSync(dataDir, { recursive: true });
    return takeLock(lockOf(dataDir));
  });
  if (other !== undefined) {
    const url = readRunFile(dataDir)?.url;
    throw new ConfigurationError(
      `another PrepaData (process ${other.pid}) already runs on the data folder ${dataDir}${url === undefined ? '' : ` and serves ${url}`}`,
      'use that one, stop it first, or set DATA_DIR (and API_PORT) for a second one',
    );
  }
  writeRunFile(dataDir, { pid: process.pid });
}

export const writeRunFile = (dataDir: string, content: RunFile): void =>
  writing(dataDir, () => writePrivately(fileOf(dataDir), content));

function writing<T>(dataDir: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new PrepaError(
      'data_folder',
      `the data folder ${dataDir} cannot be written to: ${messageOf(error)}`,
      'make room there or give this user the right to write, or set DATA_DIR to another folder; then start again',
      { cause: error },
    );
  }
}

export function leaveDataFolder(dataDir: string): void {
  if (readRunFile(dataDir)?.pid === process.pid) rmSync(fileOf(dataDir), { force: true });
  releaseLock(lockOf(dataDir));
}
