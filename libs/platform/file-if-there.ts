import { readFileSync } from 'node:fs';

/** ESRCH: a process that has just ended, of a file in its folder below /proc. */
const GONE: readonly unknown[] = ['ENOENT', 'ESRCH'];

/** The text of a file that may go at any moment, as that of a server's process id; undefined if it is not there. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (GONE.includes((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
