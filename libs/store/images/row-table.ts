import type { FoldRules } from '#libs/aggregate/folded-rows.ts';
import { isRejected, type Rejected, readOrReject } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { copiedRowsOf, neededColumns, type TableOfKeys } from '#libs/domain/source-tables/index.ts';
import type { Queryable, SqlStatement, SqlValue } from '#libs/platform/postgres/database.ts';
import { millisOf } from './image-table.ts';
import { coursesAndStudents } from './key-rows.ts';
import { type KeptRows, KeyRows, type KeyToRead } from './rows.ts';
import { fillImageTemplate } from './statements.ts';

/** How the rows of a table are read and folded. */
export interface RowReading<I, O> {
  readonly table: TableOfKeys;
  read(image: I, settings: ReadingSettings): O | Rejected;
  readonly rules: FoldRules<O>;
  /** Whether a row follows others of its subject and is folded with them, although its word is not among the copied ones. */
  follows(row: O): boolean;
  /** Restores a kept row, whose bigints are strings in JSON. */
  revive(row: O): O;
}

/** A source table as a family reads it. */
export interface RowTable<O> {
  /** The rows of each key, in the order of `keys`. */
  read(tx: Queryable, keys: readonly KeyToRead[], settings: ReadingSettings): Promise<KeyRows<O>[]>;
}

/** Most rows that are read at once; more are read in pages. */
const ROWS_AT_ONCE = 20_000;
const ROWS_PER_PAGE = 5_000;

/** Reads rows of keys, however many there are. */
interface PagedStatement {
  /** Reads at most {@link ROWS_AT_ONCE}. */
  readonly few: SqlStatement;
  /** Reads all, through a cursor, which is planned anew each time. */
  readonly declare: SqlStatement;
  /** The last time there were more than can be read at once. */
  wereMany: boolean;
}

interface Statements {
  readonly all: PagedStatement;
  /** Rows that connectors do not copy anew with each sync; null: the table has none. */
  readonly single: PagedStatement | null;
  /** For either; both use the same cursor. */
  readonly fetch: SqlStatement;
  readonly close: SqlStatement;
  /** Rows by their ids. */
  readonly fresh: SqlStatement;
}

export function openRowTable<I extends object, O extends object>(reading: RowReading<I, O>): RowTable<O> {
  const { table } = reading;
  const needed = neededColumns(table).filter(({ kind }) => kind !== 'uuid');
  // Times are read as text: the digits of a double would depend on the session.
  const times = needed.flatMap(({ name, kind }) => (kind === 'timestamp' ? [name] : []));
  const list = needed.map(({ name }) => `, i."${name}"${times.includes(name) ? '::text' : ''}`).join('');
  const holes = { table, columns: list, copied: copiedRowsOf(table) };
  const statements = prepare(table, holes);
  return {
    read: (tx, keys, settings) => new TableReading(tx, statements, { ...reading, times }, settings, keys).read(),
  };
}

function prepare(table: TableOfKeys, holes: Readonly<Record<'table' | 'columns' | 'copied', string>>): Statements {
  const cursor = `rows_of_${table}`;
  const paged = (use: string, which: string): PagedStatement => {
    const fill = (name: string, declare: string, limit: string): SqlStatement =>
      fillImageTemplate('rows', `${use}${name}`, { ...holes, which, declare, limit });
    return {
      few: fill('', '', `\nLIMIT ${ROWS_AT_ONCE}`),
      declare: fill('_cursor', `DECLARE ${cursor} NO SCROLL CURSOR FOR\n`, ''),
      wereMany: false,
    };
  };
  return {
    all: paged(table, ''),
    single: holes.copied === 'true' ? null : paged(`${table}_single`, ` AND NOT ${holes.copied}`),
    fetch: { name: `store/rows_fetch/${table}`, text: `FETCH ${ROWS_PER_PAGE} FROM ${cursor}` },
    close: { name: `store/rows_close/${table}`, text: `CLOSE ${cursor}` },
    fresh: fillImageTemplate('rows_new', table, holes),
  };
}

/** Also has the names of the columns that are times. */
type TimedReading<I, O> = RowReading<I, O> & { readonly times: readonly string[] };

/** A row and the place of its key among those asked for. */
type ReadRow<I> = I & { readonly key: number; readonly copied: boolean };

class TableReading<I extends object, O extends object> {
  readonly #tx: Queryable;
  readonly #statements: Statements;
  readonly #reading: TimedReading<I, O>;
  readonly #settings: ReadingSettings;
  readonly #keys: readonly KeyToRead[];
  readonly #rows: KeyRows<O>[];

  constructor(
    tx: Queryable,
    statements: Statements,
    reading: TimedReading<I, O>,
    settings: ReadingSettings,
    keys: readonly KeyToRead[],
  ) {
    this.#tx = tx;
    this.#statements = statements;
    this.#reading = reading;
    this.#settings = settings;
    this.#keys = keys;
    this.#rows = keys.map((_, n) => this.#begin(this.#keptOf(n)));
  }

  #keptOf(n: number): KeptRows<O> | undefined {
    return this.#keys[n]?.since?.kept[this.#reading.table] as KeptRows<O> | undefined;
  }

  async read(): Promise<KeyRows<O>[]> {
    const all = this.#keys.flatMap(({ since }, n) => (since === undefined ? [n] : []));
    const known = this.#keys.flatMap(({ since }, n) => (since === undefined ? [] : [n]));
    const late = known.length === 0 ? [] : await this.#addNew(known);
    const shuffled = await this.#readAll(this.#statements.all, [...all, ...late], false);
    await this.#readAll(this.#statements.all, shuffled, true);
    return this.#rows;
  }

  #begin(kept?: KeptRows<O>): KeyRows<O> {
    const { table, rules, revive } = this.#reading;
    if (kept === undefined) return new KeyRows(table, rules);
    if (kept.single !== undefined) return new KeyRows(table, rules, kept);
    const subjects = kept.subjects.map(({ runs, outranked, until }) => ({
      runs: runs.map(revive),
      outranked: outranked.map(revive),
      until,
    }));
    return new KeyRows(table, rules, { seen: kept.seen, subjects });
  }

  /** Adds the new rows of known keys. @returns the keys all rows of which have to be read */
  async #addNew(known: readonly number[]): Promise<number[]> {
    const named = known.flatMap((n) => (this.#keys[n]?.since?.newRows ?? []).map((id) => ({ n, id })));
    const keys = named.map(({ n }) => this.#keys[n] as KeyToRead);
    const values = [...coursesAndStudents(keys), named.map(({ n }) => n), named.map(({ id }) => id)];
    const { single } = this.#statements;
    const apart = new Set(single === null ? [] : known.filter((n) => this.#keptOf(n)?.single === undefined));
    const [rows, late = []] = await Promise.all([
      named.length === 0 ? [] : this.#tx.query<ReadRow<I>>(this.#statements.fresh, values),
      single === null ? undefined : this.#readAll(single, [...apart], false, false),
    ]);
    const byKey = new Map<number, O[]>();
    for (const row of rows) {
      if (!row.copied && apart.has(row.key)) continue;
      const observation = this.#observe(row, row.key);
      if (observation === null) continue;
      if (!row.copied && !this.#reading.follows(observation)) {
        this.#rows[row.key]?.addSingle(observation);
        continue;
      }
      const own = byKey.get(row.key);
      if (own === undefined) byKey.set(row.key, [observation]);
      else own.push(observation);
    }
    const shuffled = [...byKey].flatMap(([n, own]) => (this.#rows[n]?.fold(own) === true ? [] : [n]));
    return [...new Set([...late, ...shuffled])];
  }

  /**
   * Reads all rows of these keys or, with `single`, adds the rows that are not copied to what is known. Rows are usually stored
   * in the order of their time, so that they can be folded page by page; otherwise all rows of a key have to be in memory.
   * @param areAllInHand whether all rows of a key are folded together
   * @param isAnew whether the keys are read from the beginning
   * @returns the keys that have to be read once more, with all rows in memory
   */
  async #readAll(
    statement: PagedStatement,
    wanted: readonly number[],
    areAllInHand: boolean,
    isAnew = true,
  ): Promise<number[]> {
    if (wanted.length === 0) return [];
    if (isAnew) for (const n of wanted) this.#rows[n] = this.#begin();
    const shuffled = new Set<number>();
    let [current, inHand]: [number, O[]] = [-1, []];
    const fold = (): void => {
      if (inHand.length > 0 && this.#rows[current]?.fold(inHand, isAnew) === false) shuffled.add(current);
      inHand = [];
    };
    const values = coursesAndStudents(wanted.map((n) => this.#keys[n] as KeyToRead));
    for await (const page of this.#pages(statement, values)) {
      for (const row of page) {
        const n = wanted[row.key - 1] ?? -1;
        if (n !== current) fold();
        current = n;
        const observation = this.#observe(row, n);
        if (observation === null) continue;
        if (row.copied || this.#reading.follows(observation)) inHand.push(observation);
        else this.#rows[n]?.addSingle(observation);
      }
      if (!areAllInHand) fold();
    }
    fold();
    return [...shuffled];
  }

  async *#pages(statement: PagedStatement, values: readonly SqlValue[]): AsyncGenerator<ReadRow<I>[]> {
    if (!statement.wereMany) {
      const rows = await this.#tx.query<ReadRow<I>>(statement.few, values);
      statement.wereMany = rows.length === ROWS_AT_ONCE;
      if (!statement.wereMany) return yield rows;
    }
    const { fetch, close } = this.#statements;
    let count = 0;
    await this.#tx.query(statement.declare, values);
    for (let isLast = false; !isLast; ) {
      const page = await this.#tx.query<ReadRow<I>>(fetch);
      count += page.length;
      isLast = page.length < ROWS_PER_PAGE;
      yield page;
    }
    statement.wereMany = count >= ROWS_AT_ONCE;
    await this.#tx.query(close);
  }

  /** @param n the place of the row's key, whose ids are not read with every row */
  #observe(row: ReadRow<I>, n: number): O | null {
    const columns: Record<string, unknown> = row;
    columns['student_id'] = this.#keys[n]?.studentId;
    columns['course_id'] = this.#keys[n]?.courseId;
    for (const name of this.#reading.times) columns[name] = millisOf(columns[name]);
    const observation = readOrReject(() => this.#reading.read(row, this.#settings));
    return isRejected(observation) ? null : observation;
  }
}
