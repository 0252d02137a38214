import type { Position } from '#libs/domain/position.ts';
import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';
import { neededColumns, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable, SqlStatement, SqlValue } from '#libs/platform/postgres/database.ts';
import type { Image, ImageValue } from './image.ts';
import { fillImageTemplate } from './statements.ts';

/** The statements on the images of one source table. */
export interface ImageTable {
  readonly table: SourceTable;
  readonly needed: readonly string[];
  /** @returns the ids that were not known before; known ones are left untouched */
  insert(tx: Queryable, images: ReadonlyMap<string, Image>): Promise<Set<string>>;
  /** For loading many rows together. */
  readonly load: LoadStatements;
  /** Known images of these rows, unlocked. */
  read(tx: Queryable, ids: readonly string[]): Promise<Map<string, Image>>;
  lock(tx: Queryable, ids: readonly string[]): Promise<Map<string, Image>>;
  update(tx: Queryable, images: ReadonlyMap<string, Image>): Promise<void>;
  /** Deletes the images below a truncate's position. @returns the keys of the live ones */
  removeBelow(tx: Queryable, position: Position): Promise<KeyIds[]>;
  /** Ids of tombstones at or below a position, after an id, in order. */
  gone(db: Queryable, after: string, position: Position, limit: number): Promise<string[]>;
  /** Deletes those of these rows that are still tombstones at or below a position. @returns how many */
  forget(tx: Queryable, ids: readonly string[], position: Position): Promise<number>;
  /** Live images after an id, in order of their ids. */
  page(tx: Queryable, after: string, limit: number): Promise<Map<string, Image>>;
  /** Reads a range of live images as text: the id, the transaction if it is of the current epoch, the needed columns. */
  readonly range: SqlStatement;
  /** Turns live images of older epochs into tombstones of this one. */
  sweep(tx: Queryable, epoch: number): Promise<(KeyIds & { id: string })[]>;
}

/** Makes images of a snapshot's rows by COPY; to be run in this order. */
export interface LoadStatements {
  /** Whether and how the table can take rows of an epoch's snapshot. */
  readonly state: SqlStatement;
  /** Drops the indexes of an empty table. */
  readonly bare: SqlStatement;
  /** Instead of the following if no image can be known: copies epoch, LSN, whether it is live, the id and the needed columns. */
  readonly first: SqlStatement;
  readonly begin: SqlStatement;
  /** Copies the id and the needed columns. */
  readonly copy: SqlStatement;
  readonly write: SqlStatement;
}

export interface KeyIds {
  readonly student_id: number | null;
  readonly course_id: number | null;
}

/** The type of a needed column in its image: ids are our integers, everything else is unconverted. */
function imageType(kind: ColumnKind): 'integer' | 'bigint' | 'text' {
  return kind === 'uuid' ? 'integer' : kind === 'timestamp' ? 'bigint' : 'text';
}

export function openImageTable(table: SourceTable): ImageTable {
  const columns = neededColumns(table).map(({ name, kind }) => ({
    name,
    type: imageType(kind),
  }));
  const needed = columns.map((column) => column.name);
  const statements = prepare(table, columns);
  return {
    table,
    needed,
    insert: async (tx, images) => {
      const rows = await tx.query<{ id: string }>(statements.insert, toArrays(images, needed));
      return new Set(rows.map((row) => row.id));
    },
    load: {
      state: statements.loadState,
      bare: statements.loadBare,
      first: statements.loadFirst,
      begin: statements.loadBegin,
      copy: statements.loadCopy,
      write: statements.loadWrite,
    },
    read: (tx, ids) => readImages(tx, statements.read, [ids], columns),
    lock: (tx, ids) => readImages(tx, statements.lock, [ids], columns),
    range: statements.range,
    page: (tx, after, limit) => readImages(tx, statements.page, [after, limit], columns),
    update: async (tx, images) => {
      await tx.query(statements.update, toArrays(images, needed));
    },
    removeBelow: (tx, position) => tx.query(statements.removeBelow, [position.epoch, position.lsn]),
    gone: async (db, after, { epoch, lsn }, limit) =>
      (await db.query<{ id: string }>(statements.gone, [after, epoch, lsn, limit])).map(({ id }) => id),
    forget: async (tx, ids, { epoch, lsn }) => (await tx.query(statements.forget, [ids, epoch, lsn])).length,
    sweep: (tx, epoch) => tx.query(statements.sweep, [epoch]),
  };
}

async function readImages(
  tx: Queryable,
  statement: SqlStatement,
  values: readonly SqlValue[],
  columns: readonly Column[],
): Promise<Map<string, Image>> {
  const rows = await tx.query<StoredImage>(statement, values);
  return new Map(rows.map((row) => [row.id, fromRow(row, columns)]));
}

interface Column {
  readonly name: string;
  readonly type: 'integer' | 'bigint' | 'text';
}

function prepare(
  table: SourceTable,
  columns: readonly Column[],
): Record<
  | 'insert'
  | 'loadState'
  | 'loadBare'
  | 'loadFirst'
  | 'loadBegin'
  | 'loadCopy'
  | 'loadWrite'
  | 'read'
  | 'lock'
  | 'page'
  | 'range'
  | 'update'
  | 'removeBelow'
  | 'gone'
  | 'forget'
  | 'sweep',
  SqlStatement
> {
  const list = (item: (column: Column, index: number) => string): string =>
    columns.map((column, index) => `, ${item(column, index)}`).join('');
  const hasKey = columns.some((column) => column.name === 'student_id');
  const holes = {
    table,
    columns: list(({ name }) => `"${name}"`),
    // Read as text: the driver returns int8 as bigint, and the digits of a double would depend on the session.
    readColumns: list(({ name, type }) => (type === 'bigint' ? `"${name}"::text` : `"${name}"`)),
    newColumns: list(({ name }) => `new."${name}"`),
    loadedColumns: list(({ name }) => `excluded."${name}"`),
    arrays: list(({ type }, index) => `$${index + 7}::${type}[]`),
    keyColumns: hasKey ? ', student_id, course_id' : '',
    // Students and courses have no such columns to filter by: their own ids take the place.
    scopeType: hasKey ? 'integer' : 'uuid',
    student: hasKey ? 'student_id' : 'id',
    course: hasKey ? 'course_id' : 'id',
    keys: hasKey ? 'student_id, course_id' : 'NULL::integer AS student_id, NULL::integer AS course_id',
  };
  const fill = (name: string): SqlStatement => fillImageTemplate(name, table, holes);
  return {
    insert: fill('image_insert'),
    loadState: fill('image_load_state'),
    loadBare: fill('image_load_bare'),
    loadFirst: fill('image_load_first'),
    loadBegin: fill('image_load_begin'),
    loadCopy: fill('image_load_copy'),
    loadWrite: fill('image_load'),
    read: fill('image_read'),
    lock: fill('image_lock'),
    page: fill('image_page'),
    range: fill('image_range'),
    update: fill('image_update'),
    removeBelow: fill('image_remove_below'),
    gone: fill('image_gone'),
    forget: fill('image_forget'),
    sweep: fill('image_sweep'),
  };
}

type StoredToast = Record<string, readonly [epoch: number, lsn: string]>;

interface StoredImage extends Record<string, unknown> {
  readonly id: string;
  readonly epoch: number;
  readonly lsn: bigint;
  /** The driver does not know the type and returns text. */
  readonly xid: string | null;
  readonly live: boolean;
  readonly toast: StoredToast | null;
}

/** Milliseconds that were read as text. */
export const millisOf = (text: unknown): number | null => (typeof text === 'string' ? Number(text) : null);

function fromRow(row: StoredImage, needed: readonly Column[]): Image {
  const columns: Record<string, ImageValue> = {};
  for (const { name, type } of needed) {
    const value = (row[name] as ImageValue | undefined) ?? null;
    columns[name] = type === 'bigint' ? millisOf(value) : value;
  }
  const toast =
    row.toast === null
      ? null
      : Object.fromEntries(
          Object.entries(row.toast).map(([name, [epoch, lsn]]) => [name, { epoch, lsn: BigInt(lsn) }]),
        );
  const position = { epoch: row.epoch, lsn: row.lsn };
  return { position, xid: row.xid === null ? null : Number(row.xid), live: row.live, columns, toast };
}

function toArrays(images: ReadonlyMap<string, Image>, needed: readonly string[]): SqlValue[] {
  const all = [...images.values()];
  return [
    [...images.keys()],
    all.map((image) => image.position.epoch),
    all.map((image) => image.position.lsn),
    all.map((image) => image.live),
    all.map((image) => storedToast(image)),
    all.map((image) => image.xid),
    ...needed.map((name) => all.map((image) => image.columns[name] ?? null)),
  ];
}

function storedToast(image: Image): string | null {
  if (image.toast === null) return null;
  const stored: StoredToast = Object.fromEntries(
    Object.entries(image.toast).map(([name, { epoch, lsn }]) => [name, [epoch, lsn.toString()]]),
  );
  return JSON.stringify(stored);
}
