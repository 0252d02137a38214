import { type Observable, Subject } from 'rxjs';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { MarkedKeys } from '#libs/store/keys/marks.ts';
import { HotQueue } from './hot-queue.ts';

/** How long one full batch counts as a sign that more is queued, milliseconds. */
const BEHIND_MS = 2_000;

/** How long a look that found many keys counts as a sign of more, milliseconds. */
const MANY_MS = 1_000;

/** How long a course for which a day has begun counts as a sign of others, milliseconds. */
const NEW_DAYS_MS = 5_000;

/** What has been committed that somebody is to derive. */
export interface News {
  readonly keys?: MarkedKeys;
  /** Courses are marked. */
  readonly courses?: boolean;
  /** Keys of these families are marked, too many to be named. */
  readonly unnamed?: readonly Family[];
}

/** How many of the courses that a snapshot brought are derived, and how long that took, milliseconds. */
export interface NewCoursesDone {
  readonly done: number;
  readonly total: number;
  readonly ms: number;
}

/** Passes on what there is to derive to those who derive it in this process; what nobody here does, other processes hear. */
export class Work {
  readonly #queues = new Map<Family, HotQueue>();
  readonly #elsewhere = new Subject<News>();
  #courses: WorkSignal | undefined;
  #newCourses: WorkSignal | undefined;
  #areCoursesNew = false;
  #newCoursesDone: NewCoursesDone | null = null;
  #behindUntil = 0;
  #manyUntil = 0;
  #newDaysUntil = 0;
  #changed = 0;

  /** News for other processes. */
  get elsewhere(): Observable<News> {
    return this.#elsewhere;
  }

  /** For the one who derives a family in this process. */
  queueOf(family: Family): HotQueue {
    const queue = this.#queues.get(family) ?? new HotQueue();
    this.#queues.set(family, queue);
    return queue;
  }

  isDerivedHere(family: Family): boolean {
    return this.#queues.has(family);
  }

  /** For the one who derives the courses in this process. */
  get courses(): WorkSignal {
    this.#courses ??= new WorkSignal();
    return this.#courses;
  }

  /** For the one who derives new courses whole in this process. */
  get newCourses(): WorkSignal {
    this.#newCourses ??= new WorkSignal();
    return this.#newCourses;
  }

  /** A snapshot may have brought new courses. */
  expectNewCourses(): void {
    this.#areCoursesNew = this.#newCourses !== undefined;
    this.#newCourses?.wake();
  }

  /** True while they are derived whole: others leave to that what waits for no news. */
  get areCoursesNew(): boolean {
    return this.#areCoursesNew;
  }

  /** How far that has come; null: nobody is at it. */
  get newCoursesDone(): NewCoursesDone | null {
    return this.#newCoursesDone;
  }

  /** Told by who derives them. */
  noteNewCourses(done: NewCoursesDone): void {
    this.#newCoursesDone = done;
  }

  /** There is none any more that can be derived whole. */
  endNewCourses(): void {
    this.#areCoursesNew = false;
    this.#newCoursesDone = null;
    this.receive({ unnamed: FAMILIES, courses: true });
  }

  /** What this process has committed. */
  tell({ keys = new Map(), courses = false, unnamed = [] }: News): void {
    this.receive({ keys, courses, unnamed });
    const isElsewhere = (family: Family): boolean => !this.isDerivedHere(family);
    const others = {
      keys: new Map([...keys].filter(([family]) => isElsewhere(family))),
      courses: courses && this.#courses === undefined,
      unnamed: unnamed.filter(isElsewhere),
    };
    if (others.keys.size > 0 || others.courses || others.unnamed.length > 0) this.#elsewhere.next(others);
  }

  /** What another process has committed. */
  receive({ keys = new Map(), courses = false, unnamed = [] }: News): void {
    for (const [family, named] of keys) {
      const queue = this.#queues.get(family);
      if (this.isBehind) queue?.look();
      else queue?.offer(named);
    }
    for (const family of unnamed) this.#queues.get(family)?.look();
    if (courses) this.#courses?.wake();
  }

  /** Told by the intake with each batch: whether more is queued behind it. */
  fallBehind(isBehind: boolean): void {
    this.#behindUntil = isBehind ? performance.now() + BEHIND_MS : 0;
  }

  /** True while the intake works off a backlog: what is derived now is most likely to be derived again soon. */
  get isBehind(): boolean {
    return performance.now() < this.#behindUntil;
  }

  /** How often since the start news has changed what is stored of a key by who derives from rows. */
  get changed(): number {
    return this.#changed;
  }

  /** Told by who derives from rows: of so many keys. */
  noteChanged(keys: number): void {
    this.#changed += keys;
  }

  /** Told by who derives courses: whether days have begun for some of them, and more may follow. */
  noteNewDays(areSome: boolean): void {
    const wereSome = this.areDaysNew;
    this.#newDaysUntil = areSome ? performance.now() + NEW_DAYS_MS : 0;
    if (wereSome && !areSome) this.receive({ unnamed: FAMILIES });
  }

  /** True while a day begins for one course after another: news of a course is in sight once it has, and keys of others wait. */
  get areDaysNew(): boolean {
    return performance.now() < this.#newDaysUntil;
  }

  /** Told by who derives from rows: very many keys are marked, as after a snapshot or at midnight. */
  noteMany(): void {
    this.#manyUntil = performance.now() + MANY_MS;
  }

  /** True while that goes on: what is derived from what these store is most likely to be derived again soon. */
  get hasMany(): boolean {
    return performance.now() < this.#manyUntil;
  }
}
