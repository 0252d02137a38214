import { setImmediate as nextTurn } from 'node:timers/promises';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import { type Loop, type StepOutcome, startLoop } from '#libs/platform/loop/loop.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { readNewCourses } from '#libs/store/keys/keys.ts';
import type { DeriverOptions } from './derivers.ts';
import { deriveNewCourse, TooLarge } from './new-course.ts';

/**
 * Derives the courses that a snapshot brought one by one, each whole, if this process derives all families. What cannot be
 * derived that way is left to the derivers of keys and of courses, whose turn comes afterwards. Two courses are under way:
 * while one waits for the database, the other computes.
 */
export function startNewCourseDeriver(options: DeriverOptions): Loop[] {
  const { work, log, onFailure } = options;
  const wake = work.newCourses;
  work.expectNewCourses();
  const deriver = new NewCourseDeriver(options);
  const common = { wake, log, step: () => deriver.step(), ...(onFailure === undefined ? {} : { onFailure }) };
  const name = 'the deriver of new courses';
  return [startLoop({ ...common, name }), startLoop({ ...common, name: `${name} (second)` })];
}

class NewCourseDeriver {
  readonly #options: DeriverOptions;
  readonly #left = new Set<number>();
  readonly #atWork = new Set<number>();
  #waiting: number[] = [];
  #done = 0;
  #beganAt = 0;

  constructor(options: DeriverOptions) {
    this.#options = options;
  }

  async step(): Promise<StepOutcome> {
    const { work } = this.#options;
    // After this turn all roles of the process have started.
    await nextTurn();
    if (!work.areCoursesNew) return 'idle';
    if (work.isBehind) return 'resting';
    if (!FAMILIES.every((family) => work.isDerivedHere(family))) {
      work.endNewCourses();
      return 'idle';
    }
    const courseId = this.#waiting.shift() ?? (await this.#find());
    if (courseId !== undefined) {
      await this.#derive(courseId);
      return 'more';
    }
    if (this.#atWork.size === 0) {
      this.#done = 0;
      work.endNewCourses();
    }
    return 'idle';
  }

  async #find(): Promise<number | undefined> {
    const found = await readNewCourses(this.#options.db, ROW_FAMILIES);
    const isFree = (id: number): boolean => !this.#left.has(id) && !this.#atWork.has(id) && !this.#waiting.includes(id);
    this.#waiting.push(...found.filter(isFree));
    if (this.#done === 0 && this.#atWork.size === 0) this.#beganAt = performance.now();
    return this.#waiting.shift();
  }

  async #derive(courseId: number): Promise<void> {
    const { db, settings, log } = this.#options;
    this.#atWork.add(courseId);
    this.#tell();
    try {
      const keys = await deriveNewCourse(db, settings, courseId);
      if (keys === 0) this.#left.add(courseId);
    } catch (error) {
      if (isDatabaseFault(error) || error instanceof UnrecoverableError) throw error;
      this.#left.add(courseId);
      if (!(error instanceof TooLarge))
        log.warn(
          { err: error, courseId },
          `course ${courseId} cannot be derived whole: its keys are derived one by one`,
        );
    } finally {
      this.#atWork.delete(courseId);
      this.#done += 1;
      this.#tell();
    }
  }

  #tell(): void {
    const total = this.#done + this.#atWork.size + this.#waiting.length;
    this.#options.work.noteNewCourses({ done: this.#done, total, ms: performance.now() - this.#beganAt });
  }
}
