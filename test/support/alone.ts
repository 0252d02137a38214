import { mkdirSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs work that only one of the parallel test files may do at a time.
 * @param lock a folder that exists meanwhile
 */
export async function alone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!isMade(lock)) await sleep(50);
  try {
    return await work();
  } finally {
    rmdirSync(lock);
  }
}

/** False if it already existed. */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
