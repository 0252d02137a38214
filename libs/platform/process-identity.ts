import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { sleep } from './retry.ts';

/**
 * Identifies one process and no other: a pid alone may be reused soon after its process has ended. Can be kept as JSON.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in the system's own terms; equal text means the same start. */
  readonly startedAt: string;
  /** Its command line, truncated. */
  readonly command: string;
}

const COMMAND_LENGTH = 300;

/** The process with this pid now; undefined if there is none, or only a zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    return existsSync('/proc/self/stat') ? fromProc(pid) : fromPs(pid);
  } catch {
    return undefined;
  }
}

function fromProc(pid: number): ProcessIdentity | undefined {
  // The name in the second column is in parentheses and may hold any character: the columns are counted after it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (columns[0] === 'Z' || columns[0] === 'X') return undefined;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  return { pid, startedAt: `${columns[19]} ${boot}`, command: command.slice(0, COMMAND_LENGTH) };
}

function fromPs(pid: number): ProcessIdentity | undefined {
  const line = execFileSync('ps', ['-o', 'lstart=,command=', '-ww', '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  // "Sun Nov 22 21:31:05 2026 command …"
  const match = /^(\S+ +\S+ +\S+ +\S+ +\S+) +(.*)$/.exec(line);
  if (match === null) return undefined;
  return { pid, startedAt: match[1] ?? '', command: (match[2] ?? '').slice(0, COMMAND_LENGTH) };
}

/** True while this very process runs, and not another one that was given its pid. */
export function isStill({ pid, startedAt }: ProcessIdentity): boolean {
  return identifyProcess(pid)?.startedAt === startedAt;
}

/**
 * Ends this process, but no other with its pid: asks, waits, then kills. Does nothing if it has ended.
 * @returns true if it was still running
 */
export async function endProcess(
  who: ProcessIdentity,
  { ask = 'SIGTERM' as NodeJS.Signals, deadlineMs = 8_000 } = {},
): Promise<boolean> {
  if (!isStill(who)) return false;
  send(who.pid, ask);
  for (const until = Date.now() + deadlineMs; isStill(who); await sleep(20)) {
    if (Date.now() > until) break;
  }
  if (isStill(who)) send(who.pid, 'SIGKILL');
  for (const until = Date.now() + 2_000; isStill(who) && Date.now() < until; ) await sleep(20);
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
