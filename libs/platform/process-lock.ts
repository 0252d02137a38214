import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { identifyProcess, isStill, type ProcessIdentity } from './process-identity.ts';

/**
 * Takes a lock file for something that only one process at a time may do. The lock of a process that has ended does not
 * count.
 * @returns undefined if it is ours now, else its holder
 */
export function takeLock(file: string): ProcessIdentity | undefined {
  // Linked into place, so that it never exists without its owner in it.
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(mine, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = holderOf(file);
      if (holder !== undefined) return holder;
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** The process that holds the file; undefined: none that still runs. */
export function holderOf(file: string): ProcessIdentity | undefined {
  try {
    const who = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
    return isStill(who) ? who : undefined;
  } catch {
    return undefined;
  }
}

export function releaseLock(file: string): void {
  if (holderOf(file)?.pid === process.pid) rmSync(file, { force: true });
}
