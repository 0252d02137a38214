import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { homeOf } from '#libs/platform/embedded-postgres/binaries.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { writePrivately } from '#libs/platform/private-file.ts';
import { endProcess, isStill, type ProcessIdentity } from '#libs/platform/process-identity.ts';
import { holderOf, releaseLock, takeLock } from '#libs/platform/process-lock.ts';
import type { MemberView } from './member.ts';

/** A process that the stack has started, to be ended if the stack dies without doing so. */
export interface Left {
  readonly who: ProcessIdentity;
  /** The signal on which it ends in an orderly way. */
  readonly ask: NodeJS.Signals;
}

/** What a running stack records in its folder, for --status, --stop, and the start after a kill. */
export interface StackState {
  readonly pid: number;
  readonly startedAt: number;
  /** The address of the API. */
  readonly url: string;
  /** As `npm run slot` and `npm run load:oulad` read them with DATA_DIR set to this folder. */
  readonly source?: DatabaseAddress;
  readonly analytics?: DatabaseAddress;
  readonly members: readonly MemberView[];
  /** In the order of their start. */
  readonly processes: readonly Left[];
}

const stateFile = (folder: string): string => path.join(folder, 'running.json');
const lockFile = (folder: string): string => path.join(folder, 'lock');
/** The fetched parts, which a reset keeps. */
const KEPT = 'parts';

export function readState(folder: string): StackState | undefined {
  if (!existsSync(stateFile(folder))) return undefined;
  try {
    return JSON.parse(readFileSync(stateFile(folder), 'utf8')) as StackState;
  } catch {
    return undefined;
  }
}

export const writeState = (folder: string, state: StackState): void => writePrivately(stateFile(folder), state);

/** The stack that runs on this folder; undefined when none does. */
export const ownerOf = (folder: string): ProcessIdentity | undefined => holderOf(lockFile(folder));

/**
 * Takes the folder for this process, and ends what a killed stack has left running.
 * @returns how many processes were ended
 * @throws ConfigurationError if another stack runs on it
 */
export async function takeFolder(folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const other = takeLock(lockFile(folder));
  if (other !== undefined) {
    const url = readState(folder)?.url;
    throw new ConfigurationError(
      `another stack (process ${other.pid}) already runs on ${folder}${url === undefined ? '' : ` and serves ${url}`}`,
      'use that one (npm run stack -- --status), stop it (npm run stack -- --stop), or set STACK_DIR for a second one',
    );
  }
  return endLeft(folder);
}

export function leaveFolder(folder: string): void {
  rmSync(stateFile(folder), { force: true });
  releaseLock(lockFile(folder));
}

/** Ends the processes in the state file, newest first, unless a pid now belongs to another process. */
export async function endLeft(folder: string): Promise<number> {
  let ended = 0;
  for (const { who, ask } of (readState(folder)?.processes ?? []).toReversed()) {
    if (await endProcess(who, { ask })) ended += 1;
  }
  rmSync(stateFile(folder), { force: true });
  return ended;
}

const STOP_MS = 120_000;

/**
 * Stops the stack that runs on this folder, and what a killed one has left running.
 * @returns what was stopped
 */
export async function stopStack(folder: string): Promise<'running' | 'left' | 'nothing'> {
  const owner = ownerOf(folder);
  if (owner !== undefined && isStill(owner)) await endProcess(owner, { deadlineMs: STOP_MS });
  const left = await endLeft(folder);
  rmSync(lockFile(folder), { force: true });
  if (owner !== undefined) return 'running';
  return left > 0 ? 'left' : 'nothing';
}

/** Removes everything in the folder except the fetched parts. The stack must not be running. */
export function resetFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const server of ['source', 'analytics'])
    rmSync(homeOf(path.join(folder, server)), { recursive: true, force: true, maxRetries: 5 });
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(KEPT)) rmSync(path.join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
}
