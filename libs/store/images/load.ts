import type { Change } from '#libs/domain/change.ts';
import { type CopyValue, lineOf } from '#libs/platform/postgres/copy.ts';
import {
  type Database,
  isValueFault,
  type LoadingTransaction,
  type Queryable,
} from '#libs/platform/postgres/database.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import type { ImageColumns } from './image.ts';
import type { ImageTable } from './image-table.ts';
import { imageSql } from './statements.ts';

/** A row of a snapshot, in the form of its image. */
export interface RowToLoad {
  readonly id: string;
  readonly columns: ImageColumns;
}

/** Rows cannot be loaded all at once, and have to be staged one by one. */
export class OneByOne extends Error {}

/** Not every session may create a temporary table. */
const NO_RIGHT = '42501';

/**
 * Whether only the loading failed: the database works, but one row or one missing privilege was in the way, and the rows can
 * be staged one by one.
 */
export const mustGoOneByOne = (error: unknown): boolean =>
  error instanceof OneByOne || isValueFault(error) || (error as { code?: unknown }).code === NO_RIGHT;

/** Whether the batch is rows of one table from a snapshot: all at one position, before everything in its epoch's log. */
export function isLoadable({ changes, isPartOfSnapshot }: ChangeBatch): boolean {
  const [first] = changes;
  if (isPartOfSnapshot !== true || first === undefined || first.position.lsn !== 0n) return false;
  return changes.every((change) => isRowLike(change, first));
}

const isRowLike = ({ op, table, position, xid }: Change, first: Change): boolean =>
  op === 'read' &&
  xid === undefined &&
  table === first.table &&
  position.epoch === first.position.epoch &&
  position.lsn === 0n;

/** How rows of a snapshot can be loaded into a table. */
export interface LoadState {
  /** There was no epoch before this one, so no image is known. */
  readonly isFirst: boolean;
  /** It has no indexes until {@link indexImages}: the first snapshot then fills empty tables in a third of the time. */
  readonly isBare: boolean;
}

/** To be called before rows are loaded: in the first epoch, drops the indexes of an empty table. */
export async function beginLoad(tx: Queryable, { load }: ImageTable, epoch: number): Promise<LoadState> {
  const [found] = await tx.query<{ is_first: boolean; is_bare: boolean; can_be_bare: boolean }>(load.state, [epoch]);
  if (found === undefined) throw new Error('a table of images did not say how it stands');
  const { is_first: isFirst, is_bare: wasBare, can_be_bare: canBeBare } = found;
  if (!isFirst || wasBare || !canBeBare) return { isFirst, isBare: wasBare };
  const [bared] = await tx.query<{ is_bare: boolean }>(load.bare);
  return { isFirst, isBare: bared?.is_bare ?? false };
}

/** Creates the indexes that were dropped for the first snapshot. Until then only its rows may be staged. */
export async function indexImages(db: Pick<Database, 'query' | 'transaction'>): Promise<void> {
  if ((await db.query(imageSql.images_bare)).length === 0) return;
  await db.transaction(async (tx) => {
    await tx.query(imageSql.without_limit);
    await tx.query(imageSql.images_index);
  });
}

/**
 * Loads rows of a snapshot all at once, with the same result as staging them one by one. If no image can be known, COPY writes
 * them directly; otherwise it fills a temporary table, and one statement makes images of them, new or in place of older epochs'.
 * @throws OneByOne when a known image is as new as the snapshot, or newer: the outcome then depends on single columns
 */
export async function loadImages(
  tx: LoadingTransaction,
  { load, needed }: ImageTable,
  { epoch, isFirst }: { readonly epoch: number; readonly isFirst: boolean },
  rows: Iterable<RowToLoad>,
): Promise<void> {
  let count = 0;
  function* values(): Iterable<CopyValue[]> {
    for (const { id, columns } of rows) {
      count += 1;
      yield [id, ...needed.map((name) => known(columns[name]))];
    }
  }
  if (isFirst) return tx.copyIn(load.first, inPieces(values(), `${epoch}\t0\tt\t`));
  await tx.query(load.begin);
  await tx.copyIn(load.copy, inPieces(values(), ''));
  const [written] = await tx.query<{ rows: number }>(load.write, [epoch]);
  if (written?.rows !== count) throw new OneByOne('an image is known that is not older than the snapshot');
}

/** @param start the beginning of each line */
function* inPieces(rows: Iterable<CopyValue[]>, start: string): Iterable<string> {
  let some = '';
  for (const values of rows) {
    some += start + lineOf(values);
    if (some.length < CHARACTERS_AT_ONCE) continue;
    yield some;
    some = '';
  }
  yield some;
}

const CHARACTERS_AT_ONCE = 100_000;

function known(value: CopyValue | undefined): CopyValue {
  if (value === undefined) throw new OneByOne('a row came without one of its columns');
  return value;
}
