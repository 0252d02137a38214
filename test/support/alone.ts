import { mkdirSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Test files run at the same time: what one does for all, no two do at once.
 * @param lock a folder that is there meanwhile
 */
export async function alone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!isMade(lock)) await sleep(50);
  try {
    return await work();
  } finally {
    rmdirSync(lock);
  }
}

/** False where it was there before. */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
