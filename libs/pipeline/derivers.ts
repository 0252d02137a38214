import type { UnrecoverableError } from '#libs/domain/errors.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { FamilyDefinition, FamilyKinds } from '#libs/families/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, type StepOutcome, startLoop } from '#libs/platform/loop/loop.ts';
import { Pace } from '#libs/platform/loop/pace.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { KeyCursor } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITY, type MarkPriority } from '#libs/store/keys/marks.ts';
import { retryKeys } from '#libs/store/keys/set-aside.ts';
import { deriveCourses } from './course.ts';
import { deriveBatch } from './derive.ts';

/** Keys per transaction: few where somebody waits for them, many where they only have to be done. */
const LIVE_KEYS = 50;
const OTHER_KEYS = 200;
const COURSES_PER_BATCH = 20;

export interface DeriverOptions {
  readonly db: Database;
  readonly settings: FeatureSettings;
  readonly wake: WorkSignal;
  readonly log: Log;
  /** Told of an error that no trying again fixes. */
  readonly onFailure?: (error: UnrecoverableError) => void;
}

/** While the intake is behind, a batch of keys is derived, and courses are looked at, this often. Milliseconds. */
const BEHIND_PACE_MS = 1_000;
/** A second one only looks when the first has found more than it takes. Milliseconds. */
const SECOND_LOOKS_MS = 60_000;

/**
 * Derives one family's marked keys for as long as there are any, then waits to be woken. Two batches are under way when
 * there is enough for two: while one waits for the database, the other computes.
 */
export function startDeriver<K extends FamilyKinds>(definition: FamilyDefinition<K>, options: DeriverOptions): Loop[] {
  const { db, settings, wake, log } = options;
  const { family } = definition;
  const common = { log, ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }) };
  const plenty = new WorkSignal();
  const pace = new Pace();
  const cursor = new KeyCursor();
  const limit = (priority: MarkPriority): number =>
    priority === MARK_PRIORITY.live && !wake.isBehind ? LIVE_KEYS : OTHER_KEYS;
  const onSetAside = ({ studentId, courseId }: StudentCourse, err: unknown): void =>
    log.error(
      { err, family, studentId, courseId },
      `the ${family} of student ${studentId} in course ${courseId} cannot be derived: it is set aside until its rows change or this role starts again`,
    );
  let hasRetried = false;
  const step = async (): Promise<StepOutcome> => {
    if (!hasRetried) await retryKeys(db, family);
    hasRetried = true;
    if (!pace.mayWork(performance.now(), wake.isBehind ? BEHIND_PACE_MS : 0)) return 'resting';
    const result = await deriveBatch(db, definition, settings, limit, {
      cursor,
      onMore: () => plenty.wake(),
      onSetAside,
    });
    if (result.followUps > 0) wake.wake();
    if (result.keys > 0) return 'more';
    return result.contended ? 'contended' : 'idle';
  };
  const name = `the ${family} deriver`;
  return [
    startLoop({ ...common, name, wake, step }),
    startLoop({ ...common, name: `${name} (second)`, wake: plenty, step, pollMs: SECOND_LOOKS_MS }),
  ];
}

/** Many keys ask for a look at their course, and few of them move it: after a look in vain the next waits this long. */
const COURSE_PACE_MS = 100;

export function startCourseDeriver(options: DeriverOptions): Loop {
  const { db, settings, wake, log } = options;
  const pace = new Pace();
  let inVain = false;
  return startLoop({
    name: 'the course deriver',
    wake,
    log,
    step: async () => {
      const everyMs = wake.isBehind ? BEHIND_PACE_MS : inVain ? COURSE_PACE_MS : 0;
      if (!pace.mayWork(performance.now(), everyMs)) return 'resting';
      const result = await deriveCourses(db, settings, COURSES_PER_BATCH);
      const moved = result.moved + result.keysMarked;
      inVain = result.courses > 0 && moved === 0;
      if (moved > 0) wake.wake();
      return result.courses > 0 ? 'more' : 'idle';
    },
  });
}
