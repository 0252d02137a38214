import { randomUUID } from 'node:crypto';
import type { StudentCourse } from '#libs/domain/family.ts';
import { keyName } from '../keys/keys.ts';
import type { KeptTables, KeyRows } from './rows.ts';

/** Most rows that a process keeps; each takes some 200 bytes. */
const MOST_ROWS = 300_000;

/** Most keys that were derived once and are remembered by name only. */
const MOST_NAMES = 10_000;

/** A key and the process that keeps its rows, as stored. */
export interface OwnedKey extends StudentCourse {
  readonly owner: string | null;
}

/** What is kept of a key, taken out of the cache while the key is derived. */
export interface Loan {
  readonly name: string;
  /** Absent: its rows have to be read. */
  readonly kept?: KeptTables;
  /** Whether to keep its rows afterwards: the key is derived again and again. */
  readonly isWanted: boolean;
}

interface Entry {
  readonly tables: KeptTables;
  readonly rows: number;
}

/**
 * The rows of one family's keys as of their last derivation in this process, so that the next one reads only those that the
 * marks name. Nothing is kept of a key derived for the first time in a while, since most do not come again soon. A key's
 * entry is valid only under the key's lock, and while the key's row names this process as its owner: otherwise somebody else
 * has taken marks of it since. It is lent to a derivation and given back after the commit; if the derivation fails, or its
 * commit is uncertain, the entry is lost.
 */
export class RowCache {
  /** The id of this process in the rows of its keys. */
  readonly owner = randomUUID();
  readonly #entries = new Map<string, Entry>();
  readonly #loans = new Map<string, Loan>();
  /** Keys that were derived once, of which nothing is kept. */
  readonly #names = new Set<string>();
  readonly #mostRows: number;
  readonly #mostNames: number;
  #rows = 0;

  constructor(mostRows = MOST_ROWS, mostNames = MOST_NAMES) {
    this.#mostRows = mostRows;
    this.#mostNames = mostNames;
  }

  /** To be called right after locking the key. */
  lend(key: OwnedKey): Loan {
    const name = keyName(key);
    const kept = key.owner === this.owner ? this.#entries.get(name)?.tables : undefined;
    this.#drop(name);
    const isWanted = this.#names.delete(name) || kept !== undefined;
    if (!isWanted) this.#note(name);
    const loan = { name, isWanted, ...(kept === undefined ? {} : { kept }) };
    this.#loans.set(name, loan);
    return loan;
  }

  #note(name: string): void {
    this.#names.add(name);
    const [oldest] = this.#names;
    if (oldest !== undefined && this.#names.size > this.#mostNames) this.#names.delete(oldest);
  }

  /** Keeps the rows of a key after the commit of its derivation; keeps nothing if the key was lent again meanwhile. */
  giveBack(loan: Loan, tables: KeptTables): void {
    if (this.#loans.get(loan.name) !== loan) return;
    this.#loans.delete(loan.name);
    const rows = rowsOf(tables);
    if (rows > this.#mostRows) return;
    this.#entries.set(loan.name, { tables, rows });
    this.#rows += rows;
    for (const [oldest] of this.#entries) {
      if (this.#rows <= this.#mostRows) break;
      this.#drop(oldest);
    }
  }

  /** Called when nothing will be given back. */
  lose(loan: Loan): void {
    if (this.#loans.get(loan.name) === loan) this.#loans.delete(loan.name);
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#rows -= entry.rows;
  }
}

function rowsOf(tables: KeptTables): number {
  let rows = 1;
  for (const { subjects, single = [] } of Object.values(tables)) {
    rows += single.length;
    for (const { runs, outranked } of subjects) rows += runs.length + outranked.length;
  }
  return rows;
}

/** What a cache has of the keys of one transaction, and what it should have after the commit. */
export class Loans {
  readonly #cache: RowCache | undefined;
  readonly #loans = new Map<string, Loan>();
  readonly #after = new Map<string, KeptTables>();

  constructor(cache: RowCache | undefined) {
    this.#cache = cache;
  }

  /** The owner that the derived keys will name. */
  get owner(): string | null {
    return this.#cache?.owner ?? null;
  }

  /** To be called right after locking the keys. */
  borrow(keys: readonly OwnedKey[]): void {
    if (this.#cache === undefined) return;
    for (const key of keys) {
      const loan = this.#cache.lend(key);
      this.#loans.set(loan.name, loan);
      // Given back unchanged if the key is not derived after all.
      if (loan.kept !== undefined) this.#after.set(loan.name, loan.kept);
    }
  }

  of(key: StudentCourse): KeptTables | undefined {
    return this.#loans.get(keyName(key))?.kept;
  }

  /** Notes everything read of a key, if it is wanted; a family that reads no rows has nothing to keep. */
  keep(key: StudentCourse, tables: readonly KeyRows<unknown>[]): void {
    const name = keyName(key);
    if (tables.length === 0 || this.#loans.get(name)?.isWanted !== true) return;
    this.#after.set(name, Object.fromEntries(tables.map((rows) => [rows.table, rows.whole()])));
  }

  /** To be called after the commit. */
  giveBack(): void {
    for (const [name, tables] of this.#after) {
      const loan = this.#loans.get(name);
      if (loan !== undefined) this.#cache?.giveBack(loan, tables);
    }
  }

  /** Whatever was not given back is lost. */
  end(): void {
    for (const loan of this.#loans.values()) this.#cache?.lose(loan);
  }
}
