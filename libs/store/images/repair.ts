import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { Uuid } from '#libs/domain/change.ts';
import { laterPosition, type Position, samePosition, snapshotPosition } from '#libs/domain/position.ts';
import { familyOf, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { erasedAmong } from '../keys/erased.ts';
import { MARK_PRIORITY, MarkSet, NO_ORIGIN } from '../keys/marks.ts';
import { holdEpoch } from '../progress/progress.ts';
import { type Image, type ImageColumns, sameContents } from './image.ts';
import { RejectedSet } from './rejected.ts';
import { imagesOf } from './stage.ts';
import { checkSettings, lockTables, readSettled } from './table-locks.ts';
import { validateImage } from './validate.ts';

/** An image that differs from the source. */
export interface ImageRepair {
  /** The image as it was compared; undefined: there was none. */
  readonly found: Image | undefined;
  /** What the source has; null: no such row. */
  readonly expected: ImageColumns | null;
  /** The student whose row it is at the source, if any. */
  readonly student?: Uuid;
}

/** What held while images and source were compared, and has to hold still when they are repaired. */
export interface RepairScene {
  readonly table: SourceTable;
  readonly stream: string;
  readonly epoch: number;
  /** Where the table was last truncated. */
  readonly truncatePosition: Position | null;
  readonly settings: ReadingSettings;
  /** The fingerprint of these settings. */
  readonly fingerprint: string;
}

/**
 * Repairs images, bypassing the guard: each keeps its position and transaction, so that any later change still wins; a new one
 * gets the position of a row of the epoch's snapshot, but not below the truncate position and the settled one, which refused
 * everything before; one that the source does not have becomes a tombstone, right behind the change that it refuses from now
 * on. An image that has changed since the comparison is left alone, and so is a row of a student erased since.
 * @param tx a transaction that has done nothing yet except check that it may write
 * @param repairs by source id
 * @returns the repaired ids
 * @throws EpochEnded; UnrecoverableError when the database was given other settings
 */
export async function repairImages(
  tx: Queryable,
  scene: RepairScene,
  repairs: ReadonlyMap<string, ImageRepair>,
): Promise<Set<string>> {
  const { table, truncatePosition } = scene;
  const truncatePositions = await lockTables(tx, new Map([[table, false]]));
  await checkSettings(tx, scene.fingerprint);
  if (!samePosition(truncatePositions.get(table) ?? null, truncatePosition)) return new Set();
  const erased = await erasedAmong(
    tx,
    [...repairs.values()].flatMap(({ student }) => student ?? []),
  );
  const isKept = ({ student }: ImageRepair): boolean => student === undefined || !erased.has(student);
  const written = await write(tx, scene, new Map([...repairs].filter(([, repair]) => isKept(repair))));
  await holdEpoch(tx, scene);
  const marks = new MarkSet();
  const rejected = new RejectedSet();
  for (const [id, after] of written) {
    const reason = after.live ? validateImage(table, after.columns, scene.settings).reason : null;
    // Cleared first, then listed: an earlier entry for the row was about other contents.
    rejected.clear(table, id);
    if (reason !== null) rejected.put(table, id, after, reason);
    markKeys(marks, table, repairs.get(id)?.found, after);
  }
  await Promise.all([marks.write(tx, MARK_PRIORITY.bulk), rejected.write(tx)]);
  return new Set(written.keys());
}

/** Writes the new ones first, then the known ones, in the same order as batches do. */
async function write(
  tx: Queryable,
  scene: RepairScene,
  repairs: ReadonlyMap<string, ImageRepair>,
): Promise<Map<string, Image>> {
  const images = imagesOf(scene.table);
  const fresh = new Map<string, Image>();
  const known: string[] = [];
  const settled = (await readSettled(tx)).get(scene.table) ?? null;
  const position = laterPosition(snapshotPosition(scene.epoch), laterPosition(scene.truncatePosition, settled));
  for (const [id, { found, expected }] of repairs) {
    if (found !== undefined) known.push(id);
    else if (expected !== null) fresh.set(id, { position, xid: null, live: true, columns: expected, toast: null });
  }
  const inserted = fresh.size === 0 ? new Set<string>() : await images.insert(tx, fresh);
  const written = new Map([...fresh].filter(([id]) => inserted.has(id)));
  const stored = known.length === 0 ? new Map<string, Image>() : await images.lock(tx, known);
  const updates = new Map<string, Image>();
  for (const [id, image] of stored) {
    const repair = repairs.get(id);
    if (repair?.found === undefined || !sameImage(repair.found, image)) continue;
    updates.set(id, {
      ...image,
      // A tombstone at the position of a live row would not refuse its repetition. No record of the log begins right behind it.
      position: repair.expected === null ? behind(image.position) : image.position,
      live: repair.expected !== null,
      columns: repair.expected ?? {},
      toast: null,
    });
  }
  if (updates.size > 0) await images.update(tx, updates);
  return new Map([...written, ...updates]);
}

const behind = ({ epoch, lsn }: Position): Position => ({ epoch, lsn: lsn + 1n });

const sameImage = (a: Image, b: Image): boolean =>
  samePosition(a.position, b.position) && a.xid === b.xid && sameContents(a, b);

function markKeys(marks: MarkSet, table: SourceTable, before: Image | undefined, after: Image): void {
  const family = familyOf(table);
  if (family === null) return;
  for (const image of [before, after]) {
    const { student_id: studentId, course_id: courseId } = image?.columns ?? {};
    if (image?.live && typeof studentId === 'number' && typeof courseId === 'number')
      marks.add(family, { studentId, courseId }, { ...NO_ORIGIN, position: after.position }, null);
  }
}
