import type { Uuid } from '#libs/domain/change.ts';
import { snapshotPosition } from '#libs/domain/position.ts';
import { isOfDirectory, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { pause } from '#libs/platform/retry.ts';
import { readChange } from '#libs/source/postgres/snapshot.ts';
import { isOfErased, studentsNamed } from '#libs/store/images/erased.ts';
import type { ImageColumns } from '#libs/store/images/image.ts';
import { type ImageRepair, type RepairScene, repairImages } from '#libs/store/images/repair.ts';
import { erasedAmong } from '#libs/store/keys/erased.ts';
import { resolveIds } from '#libs/store/keys/identity.ts';
import { EpochEnded } from '#libs/store/progress/progress.ts';
import { idsOf, toImageChange } from '#libs/store/schema/project.ts';
import type { RunContext } from '../contract.ts';
import { compareRowsById, type RowComparisonParts, type RowDifference } from './compare-row.ts';
import type { RowFindings } from './findings.ts';
import type { TableEpoch } from './stream.ts';

export interface RecheckParts extends RowComparisonParts {
  readonly db: Database;
  readonly settings: FeatureSettings;
  readonly context: Pick<RunContext, 'dryRun' | 'guard' | 'signal'>;
  readonly findings: RowFindings;
}

/** Rows compared and repaired together. */
const ROWS_PER_RECHECK = 2_000;
/** A row that is still being changed after this many comparisons is left to the next run. */
const LOOKS = 8;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1_000;

/**
 * Compares rows again until each is known to be equal, or has differed a second time under a new snapshot, and is then
 * repaired; rows that are being changed at every comparison are skipped.
 * @param toRecheck true for rows that differed when first compared
 */
export async function recheckRows(
  parts: RecheckParts,
  table: SourceTable,
  toRecheck: ReadonlyMap<Uuid, boolean>,
): Promise<void> {
  const all = [...toRecheck];
  for (let from = 0; from < all.length; from += ROWS_PER_RECHECK)
    await settleSome(parts, table, new Map(all.slice(from, from + ROWS_PER_RECHECK)));
}

async function settleSome(parts: RecheckParts, table: SourceTable, waiting: Map<Uuid, boolean>): Promise<void> {
  const { context, findings } = parts;
  let pauseMs = FIRST_PAUSE_MS;
  for (let looks = 0; waiting.size > 0 && looks < LOOKS; pauseMs = Math.min(LAST_PAUSE_MS, 2 * pauseMs)) {
    // A row that differs again counts as wrong, so it has to be certain that no change is still under way.
    const isSure = [...waiting.values()].includes(true);
    const comparison = await compareRowsById(parts, table, [...waiting.keys()], isSure);
    // A void comparison says nothing about the rows.
    if (comparison !== undefined) {
      looks += 1;
      const sure = new Map<Uuid, RowDifference>();
      for (const [id, differed] of waiting) {
        const different = comparison.different.get(id);
        if (different !== undefined && differed) sure.set(id, different);
        else if (different !== undefined) waiting.set(id, true);
        else if (!comparison.moving.has(id)) waiting.delete(id);
      }
      findings.equal(table, comparison.equal.size);
      for (const id of await conclude(parts, table, comparison.tableEpoch, sure)) waiting.delete(id);
    }
    if (waiting.size > 0) await pause(pauseMs, context.signal);
  }
  findings.skip(waiting.size);
}

/** @returns the ids that are settled; an image that has changed meanwhile is not among them */
async function conclude(
  parts: RecheckParts,
  table: SourceTable,
  tableEpoch: TableEpoch,
  sure: ReadonlyMap<Uuid, RowDifference>,
): Promise<readonly Uuid[]> {
  if (sure.size === 0) return [];
  const { findings, context } = parts;
  const note = (id: Uuid, repaired: boolean): void => {
    const different = sure.get(id);
    if (different === undefined) return;
    const { kind, expected, found } = different;
    const [wanted, had] = [shown(table, expected), shown(table, found?.live ? found.columns : null)];
    findings.different({ where: table, kind, key: id, expected: wanted, found: had, repaired });
  };
  if (context.dryRun) {
    for (const id of sure.keys()) note(id, false);
    return [...sure.keys()];
  }
  const { repaired, refused } = await repair(parts, table, tableEpoch, sure);
  for (const id of repaired) note(id, true);
  for (const id of refused) note(id, false);
  return [...repaired, ...refused];
}

/** No verdict contains people's names: those who may read runs need not know them. */
const shown = (table: SourceTable, columns: ImageColumns | null): string | null =>
  columns === null ? null : JSON.stringify(isOfDirectory(table) ? {} : columns);

interface Repaired {
  readonly repaired: readonly Uuid[];
  /** What the database refuses, each tried by itself. */
  readonly refused: readonly Uuid[];
}

/** Repairs in one transaction; if the data makes it fail, in two halves, until the failing row is alone. */
async function repair(
  parts: RecheckParts,
  table: SourceTable,
  tableEpoch: TableEpoch,
  sure: ReadonlyMap<Uuid, RowDifference>,
): Promise<Repaired> {
  try {
    return { repaired: await repairTogether(parts, table, tableEpoch, sure), refused: [] };
  } catch (error) {
    if (error instanceof EpochEnded) return { repaired: [], refused: [] };
    if (isDatabaseFault(error) || !isOfTheData(error)) throw error;
    const all = [...sure];
    if (all.length === 1) return { repaired: [], refused: [...sure.keys()] };
    const middle = Math.ceil(all.length / 2);
    const first = await repair(parts, table, tableEpoch, new Map(all.slice(0, middle)));
    const second = await repair(parts, table, tableEpoch, new Map(all.slice(middle)));
    return { repaired: [...first.repaired, ...second.repaired], refused: [...first.refused, ...second.refused] };
  }
}

/** Postgres's error classes for invalid values and for constraints. */
const isOfTheData = (error: unknown): boolean =>
  error instanceof Error && /^(22|23)/.test((error as Error & { code?: string }).code ?? '');

async function repairTogether(
  { db, settings, context, marker }: RecheckParts,
  table: SourceTable,
  { epoch, truncatePosition }: TableEpoch,
  sure: ReadonlyMap<Uuid, RowDifference>,
): Promise<readonly Uuid[]> {
  const stamp = { position: snapshotPosition(epoch) };
  const changes = new Map(
    [...sure].flatMap(([id, { row }]) => (row === null ? [] : [[id, readChange(table, stamp, row)] as const])),
  );
  const { students, courses } = idsOf([...changes.values()]);
  const ids = await resolveIds(db, students, courses);
  // Asked afterwards: students erased earlier have no integer id; those erased from now on are noticed under the lock.
  const erased = await erasedAmong(db, studentsNamed([...changes.values()]));
  const repairs = new Map<Uuid, ImageRepair>();
  for (const [id, { found }] of sure) {
    const change = changes.get(id);
    if (change === undefined) repairs.set(id, { found, expected: null });
    else if (!isOfErased(change, erased)) {
      const [student] = studentsNamed([change]);
      repairs.set(id, { found, expected: toImageChange(change, ids).columns, ...(student && { student }) });
    }
  }
  const { reading, fingerprint } = settings;
  const scene: RepairScene = { table, stream: marker.stream, epoch, truncatePosition, settings: reading, fingerprint };
  return db.transaction(async (tx) => {
    await context.guard(tx);
    return [...(await repairImages(tx, scene, repairs))];
  });
}
