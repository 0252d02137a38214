import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';

/** How rows of one kind follow each other. */
export interface FoldRules<O> {
  /** What a row is about: an item, a resource. Of each the latest row holds. */
  subject(row: O): string;
  /** Whether two rows of one subject say the same. */
  same(a: O, b: O): boolean;
  /** Of rows of one time the greatest holds. */
  compare(a: O, b: O): number;
  at(row: O): Instant;
  day(row: O): LocalDay;
}

interface Subject<O> {
  /** The first row of each run of rows that hold and say the same, in order of time. */
  readonly runs: O[];
  /** Rows that never held, and say what no earlier one had said. */
  readonly outranked: O[];
  /** The time of the last row. */
  until: Instant;
}

/** What is kept of the folded rows of a subject, for the next time. */
export type KeptSubject<O> = Readonly<Subject<O>>;

/**
 * The rows of a key without those that only repeat what held before: a source that copies everything anew at each
 * synchronisation writes thousands of these. Whatever follows from all rows as of any day follows from the rows that
 * are left: each is the first of its run, or of what it says, and nobody asks for more. A run ends also where the day
 * falls (a clock that goes back over midnight), so that no day is without the row that it knows.
 */
export class FoldedRows<O> {
  readonly #rules: FoldRules<O>;
  readonly #subjects = new Map<string, Subject<O>>();

  constructor(rules: FoldRules<O>, kept: readonly KeptSubject<O>[] = []) {
    this.#rules = rules;
    for (const { runs, outranked, until } of kept)
      for (const first of runs.slice(0, 1))
        this.#subjects.set(rules.subject(first), { runs: [...runs], outranked: [...outranked], until });
  }

  /**
   * Takes rows in, in any order; one that holds and was taken in before changes nothing.
   * @returns false where one falls into the past of its subject and says something else than what held then: nobody knows
   * what the rows after it had repeated, so all have to be folded anew, and together
   */
  add(rows: readonly O[]): boolean {
    const { at } = this.#rules;
    // Of each subject in order of time, and those of one time together.
    const ordered = [...rows].sort((a, b) => at(a) - at(b));
    for (const [subject, ofSubject] of groupBy(ordered, (row) => this.#subject(row)))
      for (const [time, ofTime] of groupBy(ofSubject, at)) if (!this.#take(subject, ofTime, time)) return false;
    return true;
  }

  /** The rows that are left, in no certain order. */
  rows(): O[] {
    return this.kept().flatMap(({ runs, outranked }) => [...runs, ...outranked]);
  }

  kept(): KeptSubject<O>[] {
    return [...this.#subjects.values()];
  }

  #take(subject: Subject<O>, rows: readonly O[], time: Instant): boolean {
    const { same, compare, day } = this.#rules;
    const last = subject.runs.at(-1);
    if (time <= subject.until) return rows.every((row) => this.#repeats(subject, row, time));
    const holding = rows.reduce((greatest, row) => (compare(row, greatest) > 0 ? row : greatest));
    const before = subject.outranked.length;
    for (const row of rows) if (!same(row, holding) && !this.#wasSaid(subject, row)) subject.outranked.push(row);
    // Beside a row that is kept the one that holds at its time is kept, too: alone it would seem to hold.
    const isNews = subject.outranked.length > before;
    const repeats = !isNews && last !== undefined && same(last, holding) && day(last) <= day(holding);
    if (!repeats) subject.runs.push(holding);
    subject.until = time;
    return true;
  }

  #wasSaid({ runs, outranked }: Subject<O>, row: O): boolean {
    const { same, day } = this.#rules;
    const isEarlier = (other: O): boolean => same(other, row) && day(other) <= day(row);
    return runs.some(isEarlier) || outranked.some(isEarlier);
  }

  /** Whether a row of the past says what held then. */
  #repeats({ runs }: Subject<O>, row: O, time: Instant): boolean {
    const { same, at, day } = this.#rules;
    const held = runs.findLast((earlier) => at(earlier) <= time);
    return held !== undefined && same(held, row) && day(held) <= day(row);
  }

  #subject(row: O): Subject<O> {
    const name = this.#rules.subject(row);
    const known = this.#subjects.get(name);
    if (known !== undefined) return known;
    const subject: Subject<O> = { runs: [], outranked: [], until: Number.NEGATIVE_INFINITY };
    this.#subjects.set(name, subject);
    return subject;
  }
}

function groupBy<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
