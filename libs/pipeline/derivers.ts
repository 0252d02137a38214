import type { UnrecoverableError } from '#libs/domain/errors.ts';
import { FAMILIES, type StudentCourse } from '#libs/domain/family.ts';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import type { FamilyDefinition, FamilyKinds } from '#libs/families/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, type StepOutcome, startLoop } from '#libs/platform/loop/loop.ts';
import { Pace } from '#libs/platform/loop/pace.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { RowCache } from '#libs/store/images/row-cache.ts';
import { KeyCursor } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITY, type MarkPriority } from '#libs/store/keys/marks.ts';
import { retryKeys } from '#libs/store/keys/set-aside.ts';
import { alongWith } from './along.ts';
import { deriveCourses } from './course.ts';
import { type DeriveOptions, deriveBatch, deriveKeys } from './derive.ts';
import type { HotQueue } from './hot-queue.ts';
import type { Work } from './work.ts';

/** Keys per transaction: few when somebody waits for them, many when nobody does. */
const LIVE_KEYS = 50;
const OTHER_KEYS = 200;
const COURSES_PER_BATCH = 20;

export interface DeriverOptions {
  readonly db: Database;
  readonly settings: FeatureSettings;
  readonly work: Work;
  readonly log: Log;
  /** Called with an error that no retry fixes. */
  readonly onFailure?: (error: UnrecoverableError) => void;
}

/** While the intake is behind, a batch of keys is derived, and courses are derived, only this often. Milliseconds. */
const BEHIND_PACE_MS = 5_000;
/** While keys are derived that will soon be marked again, marks that nobody has offered are looked for this often. Milliseconds. */
const MANY_PACE_MS = 1_000;

/**
 * Derives one family's marked keys: offered ones at once, the others by looking for marks now and then. Up to two batches are
 * under way: while one waits for the database, the other computes. Only one of them has keys of the lowest priority: otherwise,
 * at midnight, keys with news would wait for two batches of hundreds.
 */
export function startDeriver<K extends FamilyKinds>(definition: FamilyDefinition<K>, options: DeriverOptions): Loop[] {
  const { work, log } = options;
  const { family } = definition;
  const common = { log, ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }) };
  const deriver = new Deriver(definition, options);
  const wake = work.queueOf(family).signal;
  const step = (): Promise<StepOutcome> => deriver.step();
  const name = `the ${family} deriver`;
  return [startLoop({ ...common, name, wake, step }), startLoop({ ...common, name: `${name} (second)`, wake, step })];
}

class Deriver<K extends FamilyKinds> {
  readonly #definition: FamilyDefinition<K>;
  readonly #options: DeriverOptions;
  readonly #queue: HotQueue;
  readonly #pace = new Pace();
  readonly #lookPace = new Pace();
  readonly #isFromRows: boolean;
  readonly #cursor = new KeyCursor();
  readonly #cache = new RowCache();
  #hasRetried = false;
  /** The last look found a full batch: larger batches then shorten the wait of the keys that have waited longest. */
  #wasFull = false;
  /** A batch of keys of the lowest priority is under way. */
  #isBulkAtWork = false;

  constructor(definition: FamilyDefinition<K>, options: DeriverOptions) {
    this.#definition = definition;
    this.#isFromRows = ROW_FAMILIES.includes(definition.family);
    this.#options = options;
    this.#queue = options.work.queueOf(definition.family);
  }

  async step(): Promise<StepOutcome> {
    const { db, work } = this.#options;
    if (!this.#hasRetried) await retryKeys(db, this.#definition.family);
    this.#hasRetried = true;
    const now = performance.now();
    if (!this.#pace.mayWork(now, work.isBehind ? BEHIND_PACE_MS : 0)) return 'resting';
    // Keys that will soon be marked again are left for a while; offered keys are derived at once.
    const everyMs = work.areCoursesNew || (work.hasMany && !this.#isFromRows) ? MANY_PACE_MS : 0;
    if (!this.#lookPace.mayWork(now, everyMs)) return this.#queue.size > 0 ? this.#deriveOffered() : 'resting';
    if (this.#isBulkAtWork) return this.#deriveOffered();
    return this.#queue.takeLook(now) ? this.#look() : this.#deriveOffered();
  }

  /** Derives from the marks in the database, whether anybody has offered their keys or not. */
  async #look(): Promise<StepOutcome> {
    const { db, settings, work } = this.#options;
    const isSmall = !work.isBehind && !this.#wasFull;
    const limit = (priority: MarkPriority): number => {
      if (priority !== MARK_PRIORITY.live && work.areCoursesNew) return 0;
      if (priority === MARK_PRIORITY.bulk && work.areDaysNew) return 0;
      return priority === MARK_PRIORITY.live && isSmall ? LIVE_KEYS : OTHER_KEYS;
    };
    const onMore = (): void => this.#queue.look();
    const onTurn = (priority: MarkPriority): void => {
      this.#isBulkAtWork = priority === MARK_PRIORITY.bulk;
    };
    const tools = { cursor: this.#cursor, onMore, onTurn, ...this.#tools };
    const { offers } = this.#queue;
    const result = await deriveBatch(db, this.#definition, settings, limit, tools).finally(() => {
      this.#isBulkAtWork = false;
    });
    this.#queue.forget(result.claimed, offers);
    this.#wasFull = result.claimed.length >= LIVE_KEYS;
    work.noteChanged(result.renewed);
    const areMany = this.#isFromRows && result.claimed.length > LIVE_KEYS;
    if (areMany) work.noteMany();
    const marked = areMany ? { unnamed: [...result.marked.keys()] } : { keys: result.marked };
    work.tell({ ...marked, courses: result.courses });
    if (result.contended) this.#queue.look();
    if (result.claimed.length > 0) return 'more';
    return result.contended ? 'contended' : this.#queue.size > 0 ? 'more' : 'idle';
  }

  async #deriveOffered(): Promise<StepOutcome> {
    const { db, settings, work } = this.#options;
    const { keys, done } = this.#queue.take(this.#queue.size > OTHER_KEYS ? OTHER_KEYS : LIVE_KEYS);
    if (keys.length === 0) return 'idle';
    let left: readonly StudentCourse[] = [];
    try {
      const result = await deriveKeys(db, this.#definition, settings, keys, { ...this.#tools, ...this.#along });
      left = result.left;
      work.noteChanged(result.renewed);
      work.tell({ keys: result.marked, courses: result.courses });
      return result.contended && result.claimed.length === 0 ? 'contended' : 'more';
    } catch (error) {
      this.#queue.look();
      throw error;
    } finally {
      done(left);
    }
  }

  get #tools(): DeriveOptions {
    return { onSetAside: this.#onSetAside, ...(this.#isFromRows ? { cache: this.#cache } : {}) };
  }

  /** Offered keys derive their flags along, even if flags have a process of their own: they are visible sooner, and cost less. */
  get #along(): DeriveOptions {
    const { settings } = this.#options;
    return this.#definition.storedFor === anomalyFamily.family ? { along: alongWith(anomalyFamily, settings) } : {};
  }

  readonly #onSetAside = ({ studentId, courseId }: StudentCourse, err: unknown): void => {
    const { family } = this.#definition;
    this.#options.log.error(
      { err, family, studentId, courseId },
      `the ${family} of student ${studentId} in course ${courseId} cannot be derived: it is set aside until its rows change or this role starts again`,
    );
  };
}

/** Many keys mark their course, but few of them move it: after a derivation that moved nothing, the next waits this long. */
const COURSE_PACE_MS = 100;

/** Courses wait at most this long for a snapshot's keys while none gets ready: perhaps nobody derives those keys. Milliseconds. */
const PATIENCE_MS = 30_000;

/** While very many keys are derived, every batch of which moves classes, classes are derived only this often. Milliseconds. */
const CLASSES_EVERY_MS = 30_000;

export function startCourseDeriver(
  options: DeriverOptions,
  { patienceMs = PATIENCE_MS, classesEveryMs = CLASSES_EVERY_MS } = {},
): Loop {
  const { db, settings, work, log } = options;
  const pace = new Pace();
  let inVain = false;
  let stuckSince: number | undefined;
  let classesAt = Number.NEGATIVE_INFINITY;
  return startLoop({
    name: 'the course deriver',
    wake: work.courses,
    log,
    step: async () => {
      const everyMs = work.isBehind ? BEHIND_PACE_MS : inVain ? COURSE_PACE_MS : 0;
      const now = performance.now();
      if (!pace.mayWork(now, everyMs)) return 'resting';
      const isPatient = stuckSince === undefined || now - stuckSince < patienceMs;
      const areClassesLeft = work.hasMany && now - classesAt < classesEveryMs;
      if (!areClassesLeft) classesAt = now;
      const left = { newCourses: isPatient, classes: areClassesLeft };
      const result = await deriveCourses(db, settings, COURSES_PER_BATCH, left);
      if (result.waiting === 0 || (isPatient && result.courses > 0)) stuckSince = undefined;
      else stuckSince ??= now;
      work.noteNewDays(result.newDays > 0);
      const moved = result.moved + result.keysMarked;
      inVain = result.courses > 0 && moved === 0;
      if (moved > 0) work.tell({ unnamed: FAMILIES });
      return result.courses > 0 ? 'more' : 'idle';
    },
  });
}
