import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What something cost; CPU in seconds. */
export interface Usage {
  readonly wallMs: number;
  /** Of the measured Node process; null if the work is not Node's. */
  readonly node: number | null;
  readonly source: number;
  readonly analytics: number;
  /** Of the measured Node process, since its start. */
  readonly peakRssMb: number | null;
}

/** The unit of times in /proc: Linux reports 100 a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** utime + stime. */
  readonly own: number;
  /** cutime + cstime: of children that have ended. */
  readonly ended: number;
}

/** /proc/<pid>/stat in seconds; undefined if the process is gone. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may contain anything; after it come numbers, beginning with the third field.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const seconds = (field: number): number => Number(fields[field - 3]) / TICKS_PER_SECOND;
    return { parent: Number(fields[1]), own: seconds(14) + seconds(15), ended: seconds(16) + seconds(17) };
  } catch {
    return undefined;
  }
}

/** CPU of a process including its threads, in seconds, as process.cpuUsage() gives it from inside. */
export const processCpu = (pid: number): number => readStat(pid)?.own ?? 0;

/** CPU of a whole server: the postmaster and its children, including those that have ended. */
export function serverCpu(postmaster: number): number {
  for (let tries = 0; ; tries += 1) {
    const before = readStat(postmaster);
    let total = (before?.own ?? 0) + (before?.ended ?? 0);
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = readStat(Number(name));
      if (stat?.parent === postmaster) total += stat.own + stat.ended;
    }
    // Otherwise a child ended in between and was counted in neither place.
    if (readStat(postmaster)?.ended === before?.ended || tries === 5) return total;
  }
}

/** The most memory that the process has held, and what it holds now, in MB. */
export function processMemory(pid: number): { peak: number; now: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { peak: megabytesIn(status, 'VmHWM'), now: megabytesIn(status, 'VmRSS') };
}

/** A line of /proc/<pid>/status; NaN if there is none. */
const megabytesIn = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;

/**
 * What a whole server holds in memory now, in MB: each process's own memory, and once what they share. Mapped files,
 * which are its own program, are left out.
 */
export function serverMemory(postmaster: number): number {
  let own = 0;
  let shared = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    if (pid !== postmaster && readStat(pid)?.parent !== postmaster) continue;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      own += megabytesIn(status, 'RssAnon') || 0;
      shared = Math.max(shared, megabytesIn(status, 'RssShmem') || 0);
    } catch {
      // It has just ended, or is ending and has no such lines.
    }
  }
  return own + shared;
}

/** The postmaster of an embedded server's folder. */
export const postmasterOf = (folder: string): number =>
  Number(readFileSync(path.join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);

export interface Servers {
  readonly source: number;
  readonly analytics: number;
}

/** Measures from its construction on. */
export class Meter {
  readonly #servers: Servers;
  readonly #pid: number | null;
  readonly #startedAt = performance.now();
  readonly #before: { node: number; source: number; analytics: number };

  /** @param pid the Node process that does the work, if there is one */
  constructor(servers: Servers, pid: number | null) {
    this.#servers = servers;
    this.#pid = pid;
    this.#before = this.#cpu();
  }

  /** @throws Error when the measured process is gone */
  read(): Usage {
    const wallMs = performance.now() - this.#startedAt;
    const after = this.#cpu();
    const pid = this.#pid;
    if (pid !== null && !existsSync(`/proc/${pid}/status`)) throw new Error('the measured process has ended');
    return {
      wallMs,
      node: pid === null ? null : after.node - this.#before.node,
      source: after.source - this.#before.source,
      analytics: after.analytics - this.#before.analytics,
      peakRssMb: pid === null ? null : processMemory(pid).peak,
    };
  }

  #cpu(): { node: number; source: number; analytics: number } {
    return {
      node: this.#pid === null ? 0 : processCpu(this.#pid),
      source: serverCpu(this.#servers.source),
      analytics: serverCpu(this.#servers.analytics),
    };
  }
}
