import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { releaseLock, takeLock } from '#libs/platform/process-lock.ts';
import { sleep } from '#libs/platform/retry.ts';
import { describeFiles, formatLock, type PartsLock, POM_FILE, readLock, verifyFiles } from './lock-file.ts';
import { parseMavenProgress, runMaven } from './maven.ts';

export interface FetchProgress {
  /** `waiting`: another process is fetching into the same folder. */
  readonly step: 'waiting' | 'fetching' | 'verifying' | 'done';
  /** Bytes of the pinned files; files already in Maven's local repository are not counted during the fetch. */
  readonly done: number;
  readonly total: number;
}

export interface FetchOptions {
  /** Default: `partsFolder()`. */
  readonly folder?: string;
  readonly onProgress?: (progress: FetchProgress) => void;
  /** The pinned files; default: parts.lock.json. */
  readonly lock?: PartsLock;
}

/** Where the parts lie: STACK_PARTS_DIR, else `.stack/parts` in the project. */
export function partsFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return path.resolve(env['STACK_PARTS_DIR'] || path.join(import.meta.dirname, '../../../.stack/parts'));
}

/** Identifies a state of the pinned files: a folder with another stamp is fetched again. */
const stampOf = (lock: PartsLock): string =>
  createHash('sha256').update(formatLock(lock)).update(readFileSync(POM_FILE)).digest('hex');

const stampFile = (folder: string): string => path.join(folder, 'stamp');

/** True if this folder has everything that the lock file pins; the files were checked when they were put there. */
export function isComplete(folder: string, lock: PartsLock = readLock()): boolean {
  return existsSync(stampFile(folder)) && readFileSync(stampFile(folder), 'utf8') === stampOf(lock);
}

/** @throws ConfigurationError if the parts are not there */
export function completeParts(folder: string = partsFolder()): string {
  if (isComplete(folder)) return folder;
  throw new ConfigurationError(
    `the parts of the stack (Kafka, Connect, the registry) are not complete in ${folder}`,
    'fetch them: node --import tsx services/sandbox/stack/parts/main.ts',
  );
}

/**
 * The folder with all parts. Missing parts are fetched through Maven into a new folder beside it, which replaces it when
 * every file matches the lock file. Several processes may call this at once.
 * @throws ConfigurationError without Maven; UnrecoverableError if Maven fails or a file does not match
 */
export async function fetchParts(options: FetchOptions = {}): Promise<string> {
  const folder = path.resolve(options.folder ?? partsFolder());
  const lock = options.lock ?? readLock();
  const total = Object.values(lock).reduce((sum, { bytes }) => sum + bytes, 0);
  const tell = (step: FetchProgress['step'], done: number): void =>
    options.onProgress?.({ step, done: Math.min(done, total), total });
  if (!isComplete(folder, lock)) {
    mkdirSync(path.dirname(folder), { recursive: true });
    await alone(
      `${folder}.lock`,
      { isNeedless: () => isComplete(folder, lock), onWait: () => tell('waiting', 0) },
      () => fetchInto(folder, lock, tell),
    );
  }
  tell('done', total);
  return folder;
}

async function fetchInto(
  folder: string,
  lock: PartsLock,
  tell: (step: FetchProgress['step'], done: number) => void,
): Promise<void> {
  const fresh = `${folder}.${process.pid}.new`;
  const old = `${folder}.${process.pid}.old`;
  rmSync(fresh, { recursive: true, force: true });
  try {
    tell('fetching', 0);
    await runMaven(
      fresh,
      parseMavenProgress(lock, (bytes) => tell('fetching', bytes)),
    );
    tell('verifying', 0);
    await verifyFiles(fresh, lock);
    for (const name of ['archives', 'markers']) rmSync(path.join(fresh, name), { recursive: true, force: true });
    writeFileSync(stampFile(fresh), stampOf(lock));
    if (existsSync(folder)) renameSync(folder, old);
    renameSync(fresh, folder);
  } finally {
    for (const each of [fresh, old]) rmSync(each, { recursive: true, force: true });
  }
}

/** The lock file for what Maven fetches now. */
export async function describeFetched(scratch: string): Promise<PartsLock> {
  rmSync(scratch, { recursive: true, force: true });
  try {
    await runMaven(scratch, (chunk) => process.stderr.write(chunk));
    return await describeFiles(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Waiting {
  /** True once another process has done the work. */
  isNeedless(): boolean | Promise<boolean>;
  onWait?(): void;
}

/** Does the work while no other process does it. The lock file of a killed process is taken over. */
export async function alone(file: string, { isNeedless, onWait }: Waiting, work: () => Promise<void>): Promise<void> {
  while (takeLock(file) !== undefined) {
    if (await isNeedless()) return;
    onWait?.();
    await sleep(200);
  }
  try {
    if (!(await isNeedless())) await work();
  } finally {
    releaseLock(file);
  }
}
