import { FoldedRows, type FoldRules, type KeptSubject } from '#libs/aggregate/folded-rows.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { TableOfKeys } from '#libs/domain/source-tables/index.ts';

/** What is kept of a key's rows of one table, for the next time. */
export interface KeptRows<O> {
  /** How many rows that is of. */
  readonly seen: number;
  readonly subjects: readonly KeptSubject<O>[];
  /** Rows that are never folded; absent: they are read each time. */
  readonly single?: readonly O[];
}

/** By tables. */
export type KeptTables = Readonly<Partial<Record<TableOfKeys, KeptRows<unknown>>>>;

export interface KeyToRead extends StudentCourse {
  /** What was kept of its rows, and the ids of those that are new since. Absent: all rows are read. */
  readonly since?: { readonly kept: KeptTables; readonly newRows: readonly string[] };
}

/** The rows of one key in one table that read, without those that only repeat what held before. */
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
   * As {@link FoldedRows.add}.
   * @param areNew none of them has been taken in before
   */
  fold(rows: readonly O[], areNew = true): boolean {
    if (areNew) this.#seen += rows.length;
    return this.#folded.add(rows);
  }

  /** Takes in a row that is never folded. */
  addSingle(row: O): void {
    this.#single.push(row);
  }

  rows(): O[] {
    return [...this.#folded.rows(), ...this.#single];
  }

  /** What is left of the rows that repeat each other. */
  kept(): KeptRows<O> {
    return { seen: this.#seen, subjects: this.#folded.kept() };
  }

  /** All of it, for the same process; not to be changed. */
  whole(): KeptRows<O> {
    return { ...this.kept(), single: this.#single };
  }
}

/** Whether of so many rows it is worth the while to keep the ones that are left, rather than to read all again. */
export type IsWorthKeeping = (seen: number, left: number) => boolean;

/** What is kept of a key, as JSON text, bigints as texts; null where nothing is. */
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
