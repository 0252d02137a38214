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

/** A row of a snapshot, as its image will have it. */
export interface RowToLoad {
  readonly id: string;
  readonly columns: ImageColumns;
}

/** Rows cannot be staged all at once, and have to be one by one. */
export class OneByOne extends Error {}

/** Not every session may make a temporary table. */
const NO_RIGHT = '42501';

/**
 * Whether it was the loading that failed: the database is well, and what one row or one right was in the way of can be done
 * otherwise.
 */
export const mustGoOneByOne = (error: unknown): boolean =>
  error instanceof OneByOne || isValueFault(error) || (error as { code?: unknown }).code === NO_RIGHT;

/** Rows of one table as a snapshot brings them: at one position, before all that its epoch's log says. */
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

/** How a table takes rows of a snapshot. */
export interface LoadState {
  /** No epoch was before this one, so that no image is known. */
  readonly isFirst: boolean;
  /** It has no indexes until {@link indexImages}: the first snapshot comes to empty tables in a third of the time then. */
  readonly isBare: boolean;
}

/** To be asked before rows are loaded: an empty table loses its indexes. */
export async function beginLoad(tx: Queryable, { load }: ImageTable, epoch: number): Promise<LoadState> {
  const [found] = await tx.query<{ is_first: boolean; is_bare: boolean; can_be_bare: boolean }>(load.state, [epoch]);
  if (found === undefined) throw new Error('a table of images did not say how it stands');
  const { is_first: isFirst, is_bare: wasBare, can_be_bare: canBeBare } = found;
  if (!isFirst || wasBare || !canBeBare) return { isFirst, isBare: wasBare };
  const [bared] = await tx.query<{ is_bare: boolean }>(load.bare);
  return { isFirst, isBare: bared?.is_bare ?? false };
}

/** Gives the tables of images the indexes that a first snapshot came without. Nothing but its rows may come before. */
export async function indexImages(db: Pick<Database, 'query' | 'transaction'>): Promise<void> {
  if ((await db.query(imageSql.images_bare)).length === 0) return;
  await db.transaction(async (tx) => {
    await tx.query(imageSql.without_limit);
    await tx.query(imageSql.images_index);
  });
}

/**
 * Stages rows of a snapshot all at once, as one by one they would become images. Where no image can be known the rows come by
 * COPY; else they come by it to one statement that makes images of them, new ones and in place of what older epochs left.
 * @throws OneByOne where an image is known that is as new as the snapshot, or newer: what follows then is a question of columns
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

/** @param start of each line */
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
