import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';

/** How rows of one kind supersede each other. */
export interface FoldRules<O> {
  /** What a row is about, such as an item or a resource. For each, the latest row holds. */
  subject(row: O): string;
  /** Whether two rows about one subject say the same. */
  same(a: O, b: O): boolean;
  /** Of rows at the same time, the greatest holds. */
  compare(a: O, b: O): number;
  at(row: O): Instant;
  day(row: O): LocalDay;
}

interface Subject<O> {
  /** The first row of each run of holding rows that say the same, in order of time. */
  readonly runs: O[];
  /** Rows that never held, but say what no earlier row had said. */
  readonly outranked: O[];
  /** The time of the last row. */
  until: Instant;
}

/** What is kept of a subject's folded rows for the next time. */
export type KeptSubject<O> = Readonly<Subject<O>>;

/**
 * The rows of a key without those that only repeat what held before: a source that copies everything again at each
 * synchronisation writes thousands of these. Whatever follows from all rows as of any day also follows from those that
 * are left: each is the first of its run, or the first to say what it says, and nothing more is needed. A run also ends when
 * the day goes back (a clock set back across midnight), so that each day has the row that holds on it.
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
   * Adds rows, in any order; adding a row that holds once more changes nothing.
   * @returns false if a row lies in the past of its subject and differs from what held then: it is unknown what the rows
   * after it had repeated, so all have to be folded again, together
   */
  add(rows: readonly O[]): boolean {
    const { at } = this.#rules;
    // By subject in order of time, with those of the same time together.
    const ordered = [...rows].sort((a, b) => at(a) - at(b));
    for (const [subject, ofSubject] of groupBy(ordered, (row) => this.#subject(row)))
      for (const [time, ofTime] of groupBy(ofSubject, at)) if (!this.#take(subject, ofTime, time)) return false;
    return true;
  }

  /** The rows that are left, in no particular order. */
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
    // With an outranked row, the row that holds at its time is kept, too: otherwise the outranked one would seem to hold.
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

  /** Whether a past row says what held then. */
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
