import { type Observable, Subject } from 'rxjs';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { MarkedKeys } from '#libs/store/keys/marks.ts';
import { HotQueue } from './hot-queue.ts';

/** How long after one full batch we assume that more is queued, milliseconds. */
const BEHIND_MS = 2_000;

/** How long after a look that found many keys we assume that there are more, milliseconds. */
const MANY_MS = 1_000;

/** How long after a day has begun for one course we assume that others follow, milliseconds. */
const NEW_DAYS_MS = 5_000;

/** Committed marks, for whoever derives them. */
export interface News {
  readonly keys?: MarkedKeys;
  /** Some courses were marked. */
  readonly courses?: boolean;
  /** Families with more marked keys than can be named. */
  readonly unnamed?: readonly Family[];
}

/** How many of a snapshot's courses are derived, and how long that took, milliseconds. */
export interface NewCoursesDone {
  readonly done: number;
  readonly total: number;
  readonly ms: number;
}

/** Passes work on to the derivers of this process, and tells other processes of work that nobody here does. */
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

  /** The queue for this process's deriver of a family; asking for it makes the family derived here. */
  queueOf(family: Family): HotQueue {
    const queue = this.#queues.get(family) ?? new HotQueue();
    this.#queues.set(family, queue);
    return queue;
  }

  isDerivedHere(family: Family): boolean {
    return this.#queues.has(family);
  }

  /** For this process's course deriver. */
  get courses(): WorkSignal {
    this.#courses ??= new WorkSignal();
    return this.#courses;
  }

  /** For this process's deriver of new courses. */
  get newCourses(): WorkSignal {
    this.#newCourses ??= new WorkSignal();
    return this.#newCourses;
  }

  /** Called when a snapshot may have brought new courses. */
  expectNewCourses(): void {
    this.#areCoursesNew = this.#newCourses !== undefined;
    this.#newCourses?.wake();
  }

  /** True while new courses are derived whole: until then the other derivers take only keys with news. */
  get areCoursesNew(): boolean {
    return this.#areCoursesNew;
  }

  /** Progress with the new courses; null when none are being derived. */
  get newCoursesDone(): NewCoursesDone | null {
    return this.#newCoursesDone;
  }

  /** Called by the deriver of new courses. */
  noteNewCourses(done: NewCoursesDone): void {
    this.#newCoursesDone = done;
  }

  /** Called when no course is left that can be derived whole. */
  endNewCourses(): void {
    this.#areCoursesNew = false;
    this.#newCoursesDone = null;
    this.receive({ unnamed: FAMILIES, courses: true });
  }

  /** Called with what this process has committed. */
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

  /** Called with what another process has committed. */
  receive({ keys = new Map(), courses = false, unnamed = [] }: News): void {
    for (const [family, named] of keys) {
      const queue = this.#queues.get(family);
      if (this.isBehind) queue?.look();
      else queue?.offer(named);
    }
    for (const family of unnamed) this.#queues.get(family)?.look();
    if (courses) this.#courses?.wake();
  }

  /** Called by the intake after each batch: whether more is queued behind it. */
  fallBehind(isBehind: boolean): void {
    this.#behindUntil = isBehind ? performance.now() + BEHIND_MS : 0;
  }

  /** True while the intake works off a backlog: whatever is derived now will probably be derived again soon. */
  get isBehind(): boolean {
    return performance.now() < this.#behindUntil;
  }

  /** Since the start: how often news changed what engagement or performance stores of a key. */
  get changed(): number {
    return this.#changed;
  }

  /** Called by the derivers of those two families, with the number of keys. */
  noteChanged(keys: number): void {
    this.#changed += keys;
  }

  /** Called by the course deriver: whether a day has begun for some courses, so that more may follow. */
  noteNewDays(areSome: boolean): void {
    const wereSome = this.areDaysNew;
    this.#newDaysUntil = areSome ? performance.now() + NEW_DAYS_MS : 0;
    if (wereSome && !areSome) this.receive({ unnamed: FAMILIES });
  }

  /** True while a day begins for one course after another: keys of the lowest priority then let the courses go first. */
  get areDaysNew(): boolean {
    return performance.now() < this.#newDaysUntil;
  }

  /** Called by the derivers of engagement and performance: very many keys are marked, as after a snapshot or at midnight. */
  noteMany(): void {
    this.#manyUntil = performance.now() + MANY_MS;
  }

  /** True while that lasts: flags and classes derived now will probably be derived again soon. */
  get hasMany(): boolean {
    return performance.now() < this.#manyUntil;
  }
}
