import type { Difference, Tally, Verdict } from '#libs/domain/run.ts';

/** The kinds of difference, by the names that the verdict counts them under. All but the last can be repaired. */
export const KINDS = {
  missed: 'row missed',
  extra: 'row extra',
  differs: 'value differs',
  coverage: 'stale coverage',
  asOf: 'stale as-of',
  outbox: 'outbox row lost',
  failed: 'not derivable',
} as const;
export type Kind = (typeof KINDS)[keyof typeof KINDS];

/** How something differs, named as in {@link Tally}. */
export type Deviation = 'mismatched' | 'missing' | 'extra';

/** Values or days of one kind that differ in one place. */
export interface Discrepancy {
  /** A key of the verdict's `tables` or `features`. */
  readonly where: string;
  readonly deviation: Deviation;
  /** How many values or days; each counts as one difference of its kind. */
  readonly count: number;
  /** Null: counted, but already named by another finding (the other columns of a missing row). */
  readonly example: Omit<Difference, 'where' | 'repaired'> | null;
}

/** At most this many differences are shown. */
export const MOST_EXAMPLES = 20;

type MutableTally = { -readonly [K in keyof Tally]: Tally[K] };
type MutableDifference = { -readonly [K in keyof Difference]: Difference[K] };

const EMPTY: Tally = { equal: 0, mismatched: 0, missing: 0, extra: 0, repaired: 0 };

/** Counts what is compared, and remembers the first differences. */
export class Ledger {
  readonly #tallies = new Map<string, MutableTally>();
  readonly #kinds = new Map<string, number>();
  readonly #examples: MutableDifference[] = [];
  readonly #shown = new Map<Discrepancy, MutableDifference>();

  equal(where: string, count = 1): void {
    this.#tally(where).equal += count;
  }

  note(findings: readonly Discrepancy[]): void {
    for (const finding of findings) {
      const { where, deviation, count, example } = finding;
      this.#tally(where)[deviation] += count;
      if (example === null) continue;
      this.#kinds.set(example.kind, (this.#kinds.get(example.kind) ?? 0) + (deviation === 'mismatched' ? count : 1));
      if (this.#examples.length === MOST_EXAMPLES) continue;
      const shown = { where, ...example, repaired: false };
      this.#examples.push(shown);
      this.#shown.set(finding, shown);
    }
  }

  /** Notes that these same findings have been repaired. */
  repaired(findings: readonly Discrepancy[]): void {
    for (const finding of findings) {
      this.#tally(finding.where).repaired += finding.count;
      const shown = this.#shown.get(finding);
      if (shown !== undefined) shown.repaired = true;
    }
  }

  get tallies(): Record<string, Tally> {
    return Object.fromEntries([...this.#tallies].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get kinds(): Record<string, number> {
    return Object.fromEntries(this.#kinds);
  }

  get examples(): readonly Difference[] {
    return this.#examples;
  }

  #tally(where: string): MutableTally {
    const known = this.#tallies.get(where);
    if (known !== undefined) return known;
    const tally = { ...EMPTY };
    this.#tallies.set(where, tally);
    return tally;
  }
}

/** The part of the row comparison's result that the verdict includes. */
export type RowVerdict = Pick<Verdict, 'tables' | 'kinds' | 'examples' | 'skipped'>;

/** Merges both comparisons. Each may fill half of the examples, and whatever the other leaves free. */
export function mergeVerdict(rows: RowVerdict, ledger: Ledger, skipped: number): Verdict {
  const kinds: Record<string, number> = { ...rows.kinds };
  for (const [kind, count] of Object.entries(ledger.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count;
  const half = MOST_EXAMPLES / 2;
  const ofRows = rows.examples.slice(0, Math.max(half, MOST_EXAMPLES - ledger.examples.length));
  return {
    tables: rows.tables,
    features: ledger.tallies,
    kinds,
    examples: [...ofRows, ...ledger.examples].slice(0, MOST_EXAMPLES),
    skipped: rows.skipped + skipped,
  };
}
