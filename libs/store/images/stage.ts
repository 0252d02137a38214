import type { RejectionReason } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { type AnyRowChange, lastCommit, type TruncateChange, type Uuid } from '#libs/domain/change.ts';
import { comparePositions, laterPosition, type Position, snapshotPosition } from '#libs/domain/position.ts';
import { familyOf, SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Database, LoadingTransaction, Transaction } from '#libs/platform/postgres/database.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import { erasedAmong } from '../keys/erased.ts';
import { type Identities, resolveIds } from '../keys/identity.ts';
import { MARK_PRIORITY, type MarkedKeys, MarkSet, markAllKeys, type NewRows } from '../keys/marks.ts';
import { advancePartitions, advanceProgress, holdEpoch } from '../progress/progress.ts';
import { idsOf, lowXid, toImageChange } from '../schema/project.ts';
import { studentsNamed, uuidsIn, withoutErased, withoutNames } from './erased.ts';
import { applyChange, type Image, type ImageChange, sameContents } from './image.ts';
import { type ImageTable, type KeyIds, openImageTable } from './image-table.ts';
import { beginLoad, indexImages, isLoadable, loadImages, mustGoOneByOne, OneByOne, type RowToLoad } from './load.ts';
import { byPosition, type ChangesByRow, inheritMoved, type StagedChange } from './moved.ts';
import { RejectedSet } from './rejected.ts';
import { type Move, movesFrom, pairMoves } from './split-moves.ts';
import { imageSql } from './statements.ts';
import { checkSettings, isBelow, lockTables, readSettled, type TruncatePositions } from './table-locks.ts';
import { type RowWarning, type Validation, validateImage } from './validate.ts';

const IMAGES: ReadonlyMap<SourceTable, ImageTable> = new Map(
  SOURCE_TABLES.map((table) => [table, openImageTable(table)]),
);

export interface StageResult {
  readonly changes: number;
  /** Keys marked for derivation. */
  readonly marked: MarkedKeys;
  /** Whether too many keys were marked to be named. */
  readonly unnamed: boolean;
  readonly rejected: number;
  /** How many readable rows are odd, by kind. */
  readonly warnings: Readonly<Record<RowWarning, number>>;
}

export interface StageOptions {
  /** Of the settings that rows are judged by; staging is refused if the database has others by now. */
  readonly fingerprint?: string;
  /** Stages every row of the batch as rejected for this reason: an image without contents, which contributes nothing. */
  readonly rejectAs?: RejectionReason;
}

/**
 * Stages one batch in one transaction: images under the guard, rejected rows, marks and progress, and nothing else.
 * Safe to repeat, and safe alongside batches of other processes: locked rows are read in a later statement than their lock,
 * all new images are inserted before any known one is locked, and locks are taken in a fixed order.
 */
export async function stageBatch(
  db: Database,
  batch: ChangeBatch,
  settings: ReadingSettings,
  options: StageOptions = {},
): Promise<StageResult> {
  const given = batch.changes.filter((change): change is AnyRowChange => change.op !== 'truncate');
  const { students, courses } = idsOf(given);
  const ids = await resolveIds(db, students, courses);
  const stage = async (tx: Transaction, applyRows: ApplyRows): Promise<StageResult> => {
    const work = new BatchStage(tx, settings, options);
    // Sent together, but run in order: everything is read after the locks are taken.
    const [truncatePositions, , erased] = await Promise.all([
      work.lockTables(batch),
      work.readSettled(),
      erasedAmong(tx, [...studentsNamed(given), ...(batch.undecodable ?? []).flatMap(uuidsIn)]),
      options.fingerprint === undefined ? undefined : checkSettings(tx, options.fingerprint),
    ]);
    const rows = withoutErased(given, erased);
    for (const change of batch.changes) if (change.op === 'truncate') await work.truncate(change, truncatePositions);
    await applyRows(work, rows, ids, truncatePositions);
    if (batch.snapshotCompleted !== undefined) await work.completeSnapshot(batch.snapshotCompleted.epoch);
    await work.finish(batch, erased);
    return {
      changes: batch.changes.length,
      marked: batch.isPartOfSnapshot === true ? new Map() : work.marks.keys(),
      unnamed: batch.snapshotCompleted !== undefined,
      rejected: work.rejected.size,
      warnings: work.warnings,
    };
  };
  if (options.rejectAs === undefined && isLoadable(batch)) {
    try {
      return await db.loading((tx) => stage(tx, (work, ...given) => work.loadRows(tx, ...given)));
    } catch (error) {
      if (!mustGoOneByOne(error)) throw error;
    }
  }
  // What follows looks images up.
  if (batch.isPartOfSnapshot === true || batch.snapshotCompleted !== undefined) await indexImages(db);
  return db.transaction((tx) => stage(tx, (work, ...given) => work.applyRows(...given)));
}

type RowsToApply = [rows: readonly AnyRowChange[], ids: Identities, truncatePositions: TruncatePositions];
type ApplyRows = (work: BatchStage, ...given: RowsToApply) => Promise<void>;

/** The changes of one row in a batch, and the image that they make if the row is not known yet. */
interface FoldedRow {
  readonly changes: readonly StagedChange[];
  readonly image: Image;
}

class BatchStage {
  readonly marks = new MarkSet();
  readonly rejected = new RejectedSet();
  readonly warnings: Record<RowWarning, number> = { unreadable_due_date: 0, activity_other: 0 };
  readonly #tx: Transaction;
  readonly #settings: ReadingSettings;
  readonly #options: StageOptions;
  #settled: TruncatePositions = new Map();
  /** Where rows have moved to other ids, so that what they pass on has to be looked at (again). */
  readonly #late: { readonly table: SourceTable; readonly position: Position }[] = [];

  constructor(tx: Transaction, settings: ReadingSettings, options: StageOptions) {
    this.#tx = tx;
    this.#settings = settings;
    this.#options = options;
  }

  async lockTables({ changes, undecodable = [], snapshotCompleted }: ChangeBatch): Promise<TruncatePositions> {
    const exclusive = new Map<SourceTable, boolean>();
    if (snapshotCompleted !== undefined) for (const table of SOURCE_TABLES) exclusive.set(table, false);
    for (const { table } of undecodable) exclusive.set(table, false);
    for (const { table, op } of changes) exclusive.set(table, (exclusive.get(table) ?? false) || op === 'truncate');
    return lockTables(this.#tx, exclusive);
  }

  async readSettled(): Promise<void> {
    this.#settled = await readSettled(this.#tx);
  }

  async truncate(change: TruncateChange, truncatePositions: TruncatePositions): Promise<void> {
    const { table, position } = change;
    const truncatePosition = laterPosition(truncatePositions.get(table) ?? null, position);
    if (truncatePosition !== position) return;
    truncatePositions.set(table, position);
    await this.#tx.query(imageSql.truncate_position_raise, [table, position.epoch, position.lsn]);
    await this.#tx.query(imageSql.without_limit);
    const gone = await imagesOf(table).removeBelow(this.#tx, position);
    for (const key of gone) this.#mark(table, key, position, change.committedAt ?? null, null);
    await this.#tx.query(imageSql.rejected_clear_below, [table, position.epoch, position.lsn]);
  }

  /** Loads rows of a batch that {@link isLoadable}; those of erased students have become deletes. */
  async loadRows(tx: LoadingTransaction, ...[rows, ids, truncatePositions]: RowsToApply): Promise<void> {
    const [first] = rows;
    if (first === undefined || isBelow(truncatePositions, first)) return;
    const { table, position } = first;
    const readings = rows.filter(({ op }) => op === 'read');
    const { epoch } = position;
    const images = imagesOf(table);
    const { isFirst, isBare } = await beginLoad(tx, images, epoch);
    if (isBare && readings.length < rows.length)
      throw new OneByOne('rows of somebody who was erased are looked for by their ids');
    await loadImages(tx, images, { epoch, isFirst }, this.#judged(table, readings, ids));
    if (!isFirst) await tx.query(imageSql.rejected_clear_loaded, [table, epoch, this.rejected.names]);
    await this.applyRows(
      rows.filter(({ op }) => op !== 'read'),
      ids,
      truncatePositions,
    );
  }

  *#judged(table: SourceTable, rows: readonly AnyRowChange[], ids: Identities): Iterable<RowToLoad> {
    for (const row of rows) {
      const { id } = row;
      const image: Image = { ...toImageChange(row, ids), toast: null };
      this.#judge(table, id, image);
      yield { id, columns: image.columns };
    }
  }

  /** Writes images of all tables: first the new ones of each, then the known ones of each. */
  async applyRows(rows: readonly AnyRowChange[], ids: Identities, truncatePositions: TruncatePositions): Promise<void> {
    const byTable = this.#byRow(rows, ids, truncatePositions);
    for (const move of await pairMoves(this.#tx, rows)) {
      if (isBelow(truncatePositions, move)) continue;
      joinHalves(byTable, move);
      this.#late.push(move);
    }
    for (const [table, tableRows] of byTable) await inheritMoved(this.#tx, imagesOf(table), tableRows);
    const folded = foldAll(byTable);
    const tables = SOURCE_TABLES.flatMap((table): [SourceTable, Map<string, FoldedRow>][] => {
      const tableRows = folded.get(table);
      return tableRows === undefined ? [] : [[table, tableRows]];
    });
    const known = await Promise.all(tables.map(([table, tableRows]) => this.#insertNew(table, tableRows)));
    await Promise.all(
      tables.map(([table], index) => this.#updateKnown(table, known[index] ?? new Map<string, FoldedRow>())),
    );
    await this.#handOn(truncatePositions);
  }

  /**
   * Passes what came too late for a row that has moved on to its new id, and from there to the next. Whoever stages the second
   * half of a move also looks, under the lock of the old row: another process may just be filling that and not see the move
   * yet.
   */
  async #handOn(truncatePositions: TruncatePositions): Promise<void> {
    while (this.#late.length > 0) {
      const moves = await movesFrom(this.#tx, this.#late.splice(0));
      const byTable = new Map<SourceTable, ChangesByRow>();
      for (const move of moves) {
        if (isBelow(truncatePositions, move)) continue;
        if (!byTable.has(move.table)) byTable.set(move.table, new Map());
        joinHalves(byTable, move);
      }
      for (const [table, rows] of byTable) {
        const images = imagesOf(table);
        await inheritMoved(this.#tx, images, rows, images.lock);
      }
      for (const [table, rows] of foldAll(byTable)) await this.#updateKnown(table, rows);
    }
  }

  /** The changes that lie above their table's truncate position, each row's in order. */
  #byRow(
    rows: readonly AnyRowChange[],
    ids: Identities,
    truncatePositions: TruncatePositions,
  ): Map<SourceTable, ChangesByRow> {
    const byTable = new Map<SourceTable, ChangesByRow>();
    for (const row of rows) {
      if (isBelow(truncatePositions, row)) continue;
      const table: ChangesByRow = byTable.get(row.table) ?? new Map();
      byTable.set(row.table, table);
      const changes = table.get(row.id) ?? [];
      table.set(row.id, changes);
      const change = this.#options.rejectAs === undefined ? toImageChange(row, ids) : emptyChange(row);
      changes.push({ ...change, committedAt: row.committedAt ?? null, movedFrom: row.movedFrom ?? null });
    }
    for (const table of byTable.values()) for (const changes of table.values()) changes.sort(byPosition);
    return byTable;
  }

  /** @returns the rows that were known already, and those that nobody may insert */
  async #insertNew(table: SourceTable, rows: Map<string, FoldedRow>): Promise<Map<string, FoldedRow>> {
    const mayBeNew = [...rows].filter(([, { image }]) => !isBelow(this.#settled, { table, position: image.position }));
    const inserted = await imagesOf(table).insert(this.#tx, new Map(mayBeNew.map(([id, row]) => [id, row.image])));
    const known = new Map<string, FoldedRow>();
    for (const [id, row] of rows) {
      if (inserted.has(id)) this.#changed(table, id, undefined, row.image, row);
      else known.set(id, row);
    }
    return known;
  }

  /** The tables are locked in order, since the statements are sent in that order. */
  async #updateKnown(table: SourceTable, rows: ReadonlyMap<string, FoldedRow>): Promise<void> {
    if (rows.size === 0) return;
    const { needed, lock, update } = imagesOf(table);
    const stored = await lock(this.#tx, [...rows.keys()]);
    const updates = new Map<string, Image>();
    for (const [id, row] of rows) {
      const before = stored.get(id);
      if (before === undefined) continue;
      let after = before;
      for (const change of row.changes) after = applyChange(after, change, needed);
      if (after === before) continue;
      updates.set(id, after);
      if (!after.live && after.position === before.position) this.#late.push({ table, position: after.position });
      this.#changed(table, id, before, after, row);
    }
    if (updates.size > 0) await update(this.#tx, updates);
  }

  /** Judges an image that was written, and marks the keys that its row leaves and enters, unless its contents are the same. */
  #changed(table: SourceTable, id: string, before: Image | undefined, after: Image, row: FoldedRow): void {
    const isReadable = this.#judge(table, id, after);
    if (isReadable && before !== undefined) this.rejected.clear(table, id);
    if (before !== undefined && sameContents(before, after)) return;
    const committedAt = row.changes.reduce<number | null>(
      (last, { committedAt: at }) => (at !== null && (last === null || at > last) ? at : last),
      null,
    );
    // A changed row needs all rows of the key to be read, to undo what it said before; a new row is read by its id.
    const newRows = before?.live ? null : [id];
    for (const image of [before, after]) {
      if (image?.live) this.#mark(table, keyOf(image), after.position, committedAt, newRows);
    }
  }

  /** Lists the image if it cannot be read. @returns whether it can */
  #judge(table: SourceTable, id: string, image: Image): boolean {
    const { reason, warning } = this.#validate(table, image);
    if (warning !== null) this.warnings[warning] += 1;
    if (reason !== null) this.rejected.put(table, id, image, reason);
    return reason === null;
  }

  #validate(table: SourceTable, image: Image): Validation {
    const { rejectAs } = this.#options;
    if (!image.live) return { reason: null, warning: null };
    return rejectAs === undefined
      ? validateImage(table, image.columns, this.#settings)
      : { reason: rejectAs, warning: null };
  }

  #mark(table: SourceTable, key: KeyIds, position: Position, committedAt: number | null, newRows: NewRows): void {
    const family = familyOf(table);
    if (family === null || key.student_id === null || key.course_id === null) return;
    // Rows of a snapshot have LSN 0, before everything in the epoch's log.
    const origin = { position, committedAt, awaited: position.lsn === 0n };
    this.marks.add(family, { studentId: key.student_id, courseId: key.course_id }, origin, newRows);
  }

  /** Writes what follows from the images: marks, rejected rows, progress. */
  async finish(batch: ChangeBatch, erased: ReadonlySet<Uuid>): Promise<void> {
    const { changes, progress, of, partitions = [], undecodable = [], snapshotCompleted } = batch;
    const isSnapshot = snapshotCompleted !== undefined || changes.every((change) => change.op === 'read');
    for (const record of undecodable) this.rejected.putRecord(withoutNames(record, erased));
    this.#tx.withCommit(
      Promise.all([
        // Keys in a snapshot are marked once, at its end.
        batch.isPartOfSnapshot === true
          ? undefined
          : this.marks.write(this.#tx, isSnapshot ? MARK_PRIORITY.snapshot : MARK_PRIORITY.live),
        this.rejected.write(this.#tx),
      ]),
    );
    // Whether another process has taken over the stream, or restarted a partition, has to be known before the commit.
    if (partitions.length > 0) await advancePartitions(this.#tx, partitions, lastCommit(changes));
    if (progress !== undefined)
      await advanceProgress(this.#tx, progress, snapshotCompleted !== undefined, lastCommit(changes));
    else if (of !== undefined) await holdEpoch(this.#tx, of);
  }

  /** After a complete snapshot: rows that it did not bring are gone, and every key has to be derived. */
  async completeSnapshot(epoch: number): Promise<void> {
    await this.#tx.query(imageSql.without_limit);
    await markAllKeys(this.#tx, MARK_PRIORITY.snapshot, snapshotPosition(epoch));
    for (const table of SOURCE_TABLES) {
      for (const { id, ...key } of await imagesOf(table).sweep(this.#tx, epoch)) {
        this.rejected.clear(table, id);
        this.#mark(table, key, snapshotPosition(epoch), null, null);
      }
    }
  }
}

/**
 * Tells the create of a move which id its row comes from. If the create was staged before, an empty change takes its place,
 * which inherits from the old row what the create could not carry.
 */
function joinHalves(
  byTable: ReadonlyMap<SourceTable, ChangesByRow>,
  { table, position, xid, oldId, newId }: Move,
): void {
  const rows = byTable.get(table);
  if (rows === undefined) return;
  const changes = rows.get(newId) ?? [];
  const index = changes.findIndex((change) => change.live && comparePositions(change.position, position) === 0);
  const create = changes[index];
  if (create !== undefined) changes.splice(index, 1, { ...create, movedFrom: oldId });
  else changes.push({ position, xid, live: true, columns: {}, committedAt: null, movedFrom: oldId });
  rows.set(newId, changes.sort(byPosition));
}

function foldAll(byTable: ReadonlyMap<SourceTable, ChangesByRow>): Map<SourceTable, Map<string, FoldedRow>> {
  const folded = new Map<SourceTable, Map<string, FoldedRow>>();
  for (const [table, rows] of byTable) {
    const { needed } = imagesOf(table);
    folded.set(table, new Map([...rows].map(([id, changes]) => [id, foldRow(changes, needed)])));
  }
  return folded;
}

function foldRow(changes: readonly StagedChange[], needed: readonly string[]): FoldedRow {
  let image: Image | undefined;
  for (const change of changes) image = applyChange(image, change, needed);
  if (image === undefined) throw new Error('a row without changes was folded');
  return { changes, image };
}

/** The change as if all of its columns were null. */
function emptyChange(row: AnyRowChange): ImageChange {
  const columns = row.op === 'delete' ? [] : imagesOf(row.table).needed.map((name): [string, null] => [name, null]);
  const { position } = row;
  return { position, xid: lowXid(row.xid), live: row.op !== 'delete', columns: Object.fromEntries(columns) };
}

/** The images of a source table. */
export function imagesOf(table: SourceTable): ImageTable {
  const images = IMAGES.get(table);
  if (images === undefined) throw new Error(`no images are kept of the table ${table}`);
  return images;
}

const keyOf = (image: Image): KeyIds => ({
  student_id: (image.columns['student_id'] as number | null | undefined) ?? null,
  course_id: (image.columns['course_id'] as number | null | undefined) ?? null,
});
