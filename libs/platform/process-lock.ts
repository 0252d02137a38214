import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { identifyProcess, isStill, type ProcessIdentity } from './process-identity.ts';

/**
 * Takes a file as a sign that this process does something that one process at a time may do. The sign of one that has
 * ended does not count.
 * @returns undefined when it is ours now, else who has it
 */
export function takeLock(file: string): ProcessIdentity | undefined {
  // Linked into place, so that it is never there without saying whose it is.
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

/** Who has the file; undefined: nobody who still runs. */
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
