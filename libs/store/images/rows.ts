import { FoldedRows, type FoldRules, type KeptSubject } from '#libs/aggregate/folded-rows.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { TableOfKeys } from '#libs/domain/source-tables/index.ts';

/** What is kept of a key's rows in one table for its next derivation. */
export interface KeptRows<O> {
  /** How many rows were folded. */
  readonly seen: number;
  readonly subjects: readonly KeptSubject<O>[];
  /** Rows that are never folded; absent: they are read again each time. */
  readonly single?: readonly O[];
}

/** Kept rows by table. */
export type KeptTables = Readonly<Partial<Record<TableOfKeys, KeptRows<unknown>>>>;

export interface KeyToRead extends StudentCourse {
  /** What was kept of its rows, and the ids of rows that are new since. Absent: all rows are read. */
  readonly since?: { readonly kept: KeptTables; readonly newRows: readonly string[] };
}

/** The readable rows of one key in one table, without those that only repeat the state before them. */
export class KeyRows<O> {
  readonly table: TableOfKeys;
  readonly #folded: FoldedRows<O>;
  readonly #single: O[];
  #seen: number;

  constructor(table: TableOfKeys, rules: FoldRules<O>, kept: KeptRows<O> = { seen: 0, subjects: [] }) {
    this.table = table;
    this.#folded = new FoldedRows(rules, kept.subjects);
    this.#seen = kept.seen;
    this.#single = [...(kept.single ?? [])];
  }

  /**
   * Like {@link FoldedRows.add}.
   * @param areNew none of them has been folded before
   */
  fold(rows: readonly O[], areNew = true): boolean {
    if (areNew) this.#seen += rows.length;
    return this.#folded.add(rows);
  }

  /** Adds a row that is never folded. */
  addSingle(row: O): void {
    this.#single.push(row);
  }

  rows(): O[] {
    return [...this.#folded.rows(), ...this.#single];
  }

  /** The folded rows. */
  kept(): KeptRows<O> {
    return { seen: this.#seen, subjects: this.#folded.kept() };
  }

  /** All rows, to be kept by the same process; must not be changed. */
  whole(): KeptRows<O> {
    return { ...this.kept(), single: this.#single };
  }
}

/** Whether it is worth keeping the `left` folded rows of `seen` rows, rather than reading all again. */
export type IsWorthKeeping = (seen: number, left: number) => boolean;

/** What is kept of a key, as JSON text with bigints as strings; null if nothing is. */
export function keptText(tables: readonly KeyRows<unknown>[], isWorth: IsWorthKeeping): string | null {
  const kept = tables.map((rows) => [rows.table, rows.kept()] as const);
  let [seen, left] = [0, 0];
  for (const [, rows] of kept) {
    seen += rows.seen;
    for (const { runs, outranked } of rows.subjects) left += runs.length + outranked.length;
  }
  if (!isWorth(seen, left)) return null;
  return JSON.stringify(Object.fromEntries(kept), (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

export const parseKept = (text: string): KeptTables => JSON.parse(text) as KeptTables;
