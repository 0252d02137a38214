import { randomUUID } from 'node:crypto';
import type { StudentCourse } from '#libs/domain/family.ts';
import { keyName } from '../keys/keys.ts';
import type { KeptTables, KeyRows } from './rows.ts';

/** Rows that a process keeps; each takes some 200 bytes. */
const MOST_ROWS = 300_000;

/** Keys that came once are remembered by their names, so many of them. */
const MOST_NAMES = 10_000;

/** A key with the process that says it keeps its rows. */
export interface OwnedKey extends StudentCourse {
  readonly owner: string | null;
}

/** What is kept of a key, out of the cache for as long as the key is being derived. */
export interface Loan {
  readonly name: string;
  /** Absent: its rows have to be read. */
  readonly kept?: KeptTables;
  /** Whether they are to be kept: the key comes again and again. */
  readonly isWanted: boolean;
}

interface Entry {
  readonly tables: KeptTables;
  readonly rows: number;
}

/**
 * The rows of one family's keys as this process derived them last, so that the next derivation reads those alone that
 * the marks name. Of a key that comes for the first time in a while nothing is kept: most do not come again soon. What is
 * kept of a key counts only under the key's lock, and while the key's row names this process as its owner: else somebody
 * else has taken marks of it since. It is lent for a derivation, and comes back once that is committed; a derivation that
 * fails, or of which nobody knows whether it is committed, has lost it.
 */
export class RowCache {
  /** This process, as the rows of its keys name it. */
  readonly owner = randomUUID();
  readonly #entries = new Map<string, Entry>();
  readonly #loans = new Map<string, Loan>();
  /** Of keys that have come once, of which nothing is kept. */
  readonly #names = new Set<string>();
  readonly #mostRows: number;
  readonly #mostNames: number;
  #rows = 0;

  constructor(mostRows = MOST_ROWS, mostNames = MOST_NAMES) {
    this.#mostRows = mostRows;
    this.#mostNames = mostNames;
  }

  /** For one who has just locked the key. */
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

  /** Keeps what is known of a key by its derivation, which is committed. Where the key was lent again meanwhile, nothing. */
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

  /** Nothing comes back of it. */
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

/** What a cache has of the keys of one transaction, and what it is to have once that is committed. */
export class Loans {
  readonly #cache: RowCache | undefined;
  readonly #loans = new Map<string, Loan>();
  readonly #after = new Map<string, KeptTables>();

  constructor(cache: RowCache | undefined) {
    this.#cache = cache;
  }

  /** Whom the keys that are derived name as the one who keeps their rows. */
  get owner(): string | null {
    return this.#cache?.owner ?? null;
  }

  /** For one who has just locked the keys. */
  borrow(keys: readonly OwnedKey[]): void {
    if (this.#cache === undefined) return;
    for (const key of keys) {
      const loan = this.#cache.lend(key);
      this.#loans.set(loan.name, loan);
      // Of a key that is not derived after all.
      if (loan.kept !== undefined) this.#after.set(loan.name, loan.kept);
    }
  }

  of(key: StudentCourse): KeptTables | undefined {
    return this.#loans.get(keyName(key))?.kept;
  }

  /** All that was read of a key, if it is wanted; a family that reads no rows has nothing to keep. */
  keep(key: StudentCourse, tables: readonly KeyRows<unknown>[]): void {
    const name = keyName(key);
    if (tables.length === 0 || this.#loans.get(name)?.isWanted !== true) return;
    this.#after.set(name, Object.fromEntries(tables.map((rows) => [rows.table, rows.whole()])));
  }

  /** After the commit. */
  giveBack(): void {
    for (const [name, tables] of this.#after) {
      const loan = this.#loans.get(name);
      if (loan !== undefined) this.#cache?.giveBack(loan, tables);
    }
  }

  /** What did not come back is lost. */
  end(): void {
    for (const loan of this.#loans.values()) this.#cache?.lose(loan);
  }
}
