import type { Uuid } from '#libs/domain/change.ts';
import { snapshotPosition } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { readChange, type TextRow } from '#libs/source/postgres/snapshot.ts';
import { isOfErased, studentsNamed } from '#libs/store/images/erased.ts';
import { type Image, type ImageColumns, sameContents } from '#libs/store/images/image.ts';
import { imagesOf } from '#libs/store/images/stage.ts';
import { erasedAmong } from '#libs/store/keys/erased.ts';
import type { Identities } from '#libs/store/keys/identity.ts';
import { idsOf, toImageChange } from '#libs/store/schema/project.ts';
import type { RowKind } from './findings.ts';
import type { IdentityCache } from './identity-cache.ts';
import type { SourceReader } from './source-reader.ts';
import type { StreamMarker, TableEpoch } from './stream.ts';
import { isVisible, type SourceSnapshot } from './visibility.ts';

/** A row and an image that differ. */
export interface RowDifference {
  readonly kind: RowKind;
  /** The source's row; null: it has no such row. */
  readonly row: TextRow | null;
  /** What its image should be; students and courses never seen appear as -1. */
  readonly expected: ImageColumns | null;
  /** The image that was compared, possibly a tombstone; undefined: there is none. */
  readonly found: Image | undefined;
}

/** The result of comparing some rows; an id in none of the three is neither in the source nor alive here. */
export interface RowComparison {
  readonly tableEpoch: TableEpoch;
  readonly equal: ReadonlySet<Uuid>;
  /** Rows whose image was written by a transaction that the snapshot does not include yet. */
  readonly moving: ReadonlySet<Uuid>;
  readonly different: ReadonlyMap<Uuid, RowDifference>;
}

export interface RowComparisonParts {
  readonly db: Queryable;
  readonly source: SourceReader;
  readonly marker: StreamMarker;
  readonly ids: IdentityCache;
}

const NEVER_SEEN = -1;

/**
 * Compares some rows under a snapshot of their own.
 * @param isSure whether to wait until no change can be under way any more, see {@link StreamMarker.pass}
 * @returns undefined if the comparison is void: the table was truncated meanwhile, or another epoch began
 */
export async function compareRowsById(
  { db, source, marker, ids }: RowComparisonParts,
  table: SourceTable,
  wanted: readonly Uuid[],
  isSure = false,
): Promise<RowComparison | undefined> {
  const tableEpoch = await marker.tableEpoch(table);
  const { snapshot, rows } = await source.byId(table, wanted);
  if (!(await marker.pass(table, tableEpoch.epoch, isSure))) return undefined;
  const images = await imagesOf(table).read(db, wanted);
  if (!(await marker.holds(table, tableEpoch))) return undefined;
  const stamp = { position: snapshotPosition(tableEpoch.epoch) };
  const read = rows.map((row) => ({ row, change: readChange(table, stamp, row) }));
  const erased = await erasedAmong(db, studentsNamed(read.map(({ change }) => change)));
  // We ignore the source's rows of erased students.
  const kept = read.filter(({ change }) => !isOfErased(change, erased));
  const changes = new Map(kept.map((one) => [one.change.id, one]));
  const { students, courses } = idsOf([...changes.values()].map(({ change }) => change));
  await ids.load(students, courses);
  const comparison = {
    tableEpoch,
    equal: new Set<Uuid>(),
    moving: new Set<Uuid>(),
    different: new Map<Uuid, RowDifference>(),
  };
  for (const id of wanted) {
    const change = changes.get(id);
    const columns = change === undefined ? null : toImageChange(change.change, lenient(ids)).columns;
    const verdict = compareRow(columns, images.get(id), snapshot, tableEpoch.epoch);
    if (verdict === 'equal') comparison.equal.add(id);
    else if (verdict === 'moving') comparison.moving.add(id);
    else if (verdict !== 'nothing')
      comparison.different.set(id, {
        kind: verdict,
        row: change?.row ?? null,
        expected: columns,
        found: images.get(id),
      });
  }
  return comparison;
}

/** Comparing must not assign new integer ids. */
const lenient = (ids: IdentityCache): Identities => ({
  student: (id) => Number(ids.student(id) ?? NEVER_SEEN),
  course: (id) => Number(ids.course(id) ?? NEVER_SEEN),
});

type RowVerdict = 'equal' | 'moving' | 'nothing' | RowKind;

/** Transaction ids of an older epoch may come from another cluster, but whatever they wrote is old. */
function compareRow(
  expected: ImageColumns | null,
  image: Image | undefined,
  snapshot: SourceSnapshot,
  epoch: number,
): RowVerdict {
  if (image !== undefined && image.position.epoch === epoch && !isVisible(image.xid, snapshot)) return 'moving';
  if (image === undefined || !image.live) return expected === null ? 'nothing' : 'row missed';
  if (expected === null) return 'row extra';
  return sameContents(image, { ...image, columns: expected }) ? 'equal' : 'value differs';
}
