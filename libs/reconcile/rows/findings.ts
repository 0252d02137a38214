import type { Difference, Tally } from '#libs/domain/run.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';

/** The result of comparing the rows. */
export interface RowReconcileResult {
  /** By table; tables outside the scope are absent. */
  readonly tables: Readonly<Partial<Record<SourceTable, Tally>>>;
  readonly kinds: Readonly<Record<string, number>>;
  /** The first few. */
  readonly examples: readonly Difference[];
  /** Rows that were being changed at every comparison. */
  readonly skipped: number;
  readonly compared: number;
  /** Differences that remain. */
  readonly left: number;
}

/** Each kind of difference between a row and its image, and where it is counted. */
const ROW_KINDS = {
  'row missed': 'missing',
  'row extra': 'extra',
  'value differs': 'mismatched',
} as const satisfies Record<string, keyof Tally>;
export type RowKind = keyof typeof ROW_KINDS;

const MOST_EXAMPLES = 20;

type OpenTally = { -readonly [K in keyof Tally]: Tally[K] };

/** Collects the findings. */
export class RowFindings {
  readonly #tables = new Map<SourceTable, OpenTally>();
  readonly #kinds: Record<string, number> = {};
  readonly #examples: Difference[] = [];
  #skipped = 0;

  /** The number of rows compared so far. */
  get compared(): number {
    return [...this.#tables.values()].reduce(
      (sum, { equal, mismatched, missing, extra }) => sum + equal + mismatched + missing + extra,
      0,
    );
  }

  begin(table: SourceTable): void {
    this.#tally(table);
  }

  equal(table: SourceTable, count: number): void {
    this.#tally(table).equal += count;
  }

  different(difference: Difference & { readonly where: SourceTable; readonly kind: RowKind }): void {
    const tally = this.#tally(difference.where);
    tally[ROW_KINDS[difference.kind]] += 1;
    if (difference.repaired) tally.repaired += 1;
    this.#kinds[difference.kind] = (this.#kinds[difference.kind] ?? 0) + 1;
    if (this.#examples.length < MOST_EXAMPLES) this.#examples.push(difference);
  }

  skip(count: number): void {
    this.#skipped += count;
  }

  result(): RowReconcileResult {
    let left = 0;
    for (const { mismatched, missing, extra, repaired } of this.#tables.values())
      left += mismatched + missing + extra - repaired;
    return {
      tables: Object.fromEntries(this.#tables),
      kinds: this.#kinds,
      examples: this.#examples,
      skipped: this.#skipped,
      compared: this.compared,
      left,
    };
  }

  #tally(table: SourceTable): OpenTally {
    const known = this.#tables.get(table) ?? { equal: 0, mismatched: 0, missing: 0, extra: 0, repaired: 0 };
    this.#tables.set(table, known);
    return known;
  }
}
