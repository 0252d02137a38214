import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError, messageOf, PrepaError } from '#libs/domain/errors.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { writePrivately } from '#libs/platform/private-file.ts';

/** What a running program tells other commands on this machine; lies in the data folder. */
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

/** True while the process that wrote the file lives; a number that another program has by now does not count. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return (
    !existsSync('/proc/self') ||
    (existsSync(commandLine) && readFileSync(commandLine, 'utf8').includes('services/sandbox/local/main'))
  );
}

/**
 * Takes the data folder for this process.
 * @throws ConfigurationError when another one has it
 */
export function takeDataFolder(dataDir: string): void {
  const other = readRunFile(dataDir);
  if (other !== undefined && isRunning(other.pid)) {
    throw new ConfigurationError(
      `another PrepaData (process ${other.pid}) already runs on the data folder ${dataDir}${other.url === undefined ? '' : ` and serves ${other.url}`}`,
      'use that one, stop it first, or set DATA_DIR (and API_PORT) for a second one',
    );
  }
  writing(dataDir, () => mkdirSync(dataDir, { recursive: true }));
  writeRunFile(dataDir, { pid: process.pid });
}

export const writeRunFile = (dataDir: string, content: RunFile): void =>
  writing(dataDir, () => writePrivately(fileOf(dataDir), content));

function writing(dataDir: string, write: () => unknown): void {
  try {
    write();
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
}
