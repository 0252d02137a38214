import type { Log } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { deriveCourses } from './course.ts';
import { deriveBatch } from './derive.ts';
import type { FamilyDefinition } from './families/family.ts';
import { type Loop, startLoop } from './loop.ts';
import type { Settings } from './settings.ts';
import type { Wake } from './wake.ts';

/** Keys per transaction: enough to share the cost of a commit, few enough to be visible at once. */
const KEYS_PER_BATCH = 200;
const COURSES_PER_BATCH = 20;

export interface DeriverOptions {
  readonly db: Database;
  readonly settings: Settings;
  readonly wake: Wake;
  readonly log: Log;
}

/** Derives one family's marked keys for as long as there are any, then waits to be woken. */
export function startDeriver<R, T, F, S extends string>(
  definition: FamilyDefinition<R, T, F, S>,
  options: DeriverOptions,
): Loop {
  const { db, settings, wake, log } = options;
  return startLoop({
    name: `the ${definition.family} deriver`,
    wake,
    log,
    step: async () => {
      const result = await deriveBatch(db, definition, settings, KEYS_PER_BATCH);
      if (result.followUps > 0) wake.wake();
      if (result.keys > 0) return 'more';
      return result.contended ? 'contended' : 'idle';
    },
  });
}

export function startCourseDeriver(options: DeriverOptions): Loop {
  const { db, settings, wake, log } = options;
  return startLoop({
    name: 'the course deriver',
    wake,
    log,
    step: async () => {
      const result = await deriveCourses(db, settings, COURSES_PER_BATCH);
      if (result.moved + result.keysMarked > 0) wake.wake();
      return result.courses > 0 ? 'more' : 'idle';
    },
  });
}
