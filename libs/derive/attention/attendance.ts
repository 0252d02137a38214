import type { LocalDay } from '#libs/domain/local-date.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';
import type { ClassMember } from './member.ts';

/** A key attends on a day if it was active within this many days before it. */
const ATTENDING_DAYS = 28;
/** The number of days before the day in which active days are counted. */
const USUAL_DAYS = 21;

interface WorkItem {
  readonly source: WorkSource;
  readonly item: string;
  /** The number of attending keys that had handed it in. */
  handedIn: number;
  /** Whether `takeHandedIn` has returned it. */
  isTaken: boolean;
}

interface Attendant {
  readonly activeDays: readonly LocalDay[];
  /** In order of their days. */
  readonly work: readonly { readonly day: LocalDay; readonly item: WorkItem }[];
  /** How many of the active days lie before the day, how many before its 21 days, and how much of the work before the day. */
  seen: number;
  left: number;
  handedIn: number;
  attends: boolean;
}

/** Which keys attend a course, and what they have handed in, from one day to the next. */
export class Attendance {
  readonly #members: readonly Attendant[];
  readonly #items = new Map<string, WorkItem>();
  /** How many attending keys have 0, 1, … 21 active days. */
  readonly #counts: number[] = Array.from({ length: USUAL_DAYS + 1 }, () => 0);
  size = 0;

  constructor(members: readonly ClassMember[]) {
    this.#members = members.map(({ activeDays, handedIn }) => ({
      activeDays,
      work: handedIn
        .map(({ source, item, day }) => ({ day, item: this.#itemOf(source, item) }))
        .sort((a, b) => a.day - b.day),
      seen: 0,
      left: 0,
      handedIn: 0,
      attends: false,
    }));
  }

  /** @param day not before that of the previous call */
  moveTo(day: LocalDay): void {
    this.#counts.fill(0);
    this.size = 0;
    for (const member of this.#members) {
      const { activeDays, work } = member;
      while ((activeDays[member.seen] ?? day) < day) member.seen += 1;
      while ((activeDays[member.left] ?? day) < day - USUAL_DAYS) member.left += 1;
      const last = activeDays[member.seen - 1];
      const attends = last !== undefined && last >= day - ATTENDING_DAYS;
      // Earlier work of a key starts counting when the key begins to attend, and stops when it no longer does.
      if (attends !== member.attends)
        for (let n = 0; n < member.handedIn; n += 1) count(work[n]?.item, attends ? 1 : -1);
      member.attends = attends;
      for (; (work[member.handedIn]?.day ?? day) < day; member.handedIn += 1)
        if (attends) count(work[member.handedIn]?.item, 1);
      if (!attends) continue;
      this.size += 1;
      const active = member.seen - member.left;
      this.#counts[active] = (this.#counts[active] ?? 0) + 1;
    }
  }

  /** The lower median of the attending keys' active days; there must be at least one key. */
  usual(): number {
    let left = Math.ceil(this.size / 2);
    return this.#counts.findIndex((keys) => {
      left -= keys;
      return left <= 0;
    });
  }

  /** The items that enough attending keys have handed in; each is returned only once. */
  takeHandedIn(isEnough: (count: number) => boolean): WorkItem[] {
    const found = [...this.#items.values()].filter((item) => !item.isTaken && isEnough(item.handedIn));
    for (const item of found) item.isTaken = true;
    return found;
  }

  #itemOf(source: WorkSource, item: string): WorkItem {
    const name = `${source} ${item}`;
    const known = this.#items.get(name) ?? { source, item, handedIn: 0, isTaken: false };
    this.#items.set(name, known);
    return known;
  }
}

const count = (item: WorkItem | undefined, change: number): void => {
  if (item !== undefined) item.handedIn += change;
};
