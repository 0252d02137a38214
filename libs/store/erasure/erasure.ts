import type { Uuid } from '#libs/domain/change.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { featureTopicOf } from '../features/outbox.ts';
import { lockAllTables } from '../images/table-locks.ts';
import { holdCalendar } from '../keys/calendar.ts';
import { erasedAmong } from '../keys/erased.ts';
import { WAKE_CHANNEL } from '../keys/marks.ts';
import { runSql } from '../runs/statements.ts';
import { PERSONAL_DATA, type PersonalData } from './personal-data.ts';
import type { ErasureRecord, RecordSigner, RemovedRows, SignedRecord } from './record.ts';
import { erasureSql } from './statements.ts';

export type ErasureStatus = 'queued' | 'removed' | 'finished';

/** A requested erasure. */
export interface Erasure {
  readonly erasureId: string;
  readonly status: ErasureStatus;
  readonly requestedAt: Date;
  readonly requestedBy: string;
  readonly reason: string | null;
  readonly removedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly removed: RemovedRows;
  /** Null until it is finished. */
  readonly signed: SignedRecord | null;
}

interface ErasureRow {
  readonly erasure_id: string;
  readonly status: ErasureStatus;
  readonly requested_at: Date;
  readonly requested_by: string;
  readonly reason: string | null;
  readonly source_id: Uuid | null;
  readonly student_id: number | null;
  readonly digest: string | null;
  readonly removed_at: Date | null;
  readonly finished_at: Date | null;
  readonly removed: RemovedRows;
  readonly record: string | null;
  readonly key_id: string | null;
  readonly signature: string | null;
}

/** The student whose rows are meant; null: not known, or no longer. */
interface Whose {
  readonly studentId: number | null;
  readonly sourceId: Uuid | null;
}

const TOPICS = FAMILIES.map(featureTopicOf);
const AT_ONCE = PERSONAL_DATA.filter(({ when }) => when !== 'told');
const AFTERWARDS = PERSONAL_DATA.filter(({ when }) => when !== undefined);
const LATE = PERSONAL_DATA.filter(({ when }) => when === 'late');

/**
 * What is known of a student: `known` has something to erase; nothing of an `erased` one is taken in, and the erasure may
 * still be under way; `unknown` was never seen here. `isExcluded`: the settings in force name the student.
 */
export interface Standing {
  readonly state: 'known' | 'erased' | 'unknown';
  readonly isExcluded: boolean;
  /** The erasure under way, else the last one. */
  readonly erasure: { readonly erasureId: string; readonly status: ErasureStatus } | null;
  /** That erasure, if it is not finished. */
  readonly onItsWay: Standing['erasure'];
}

export async function readStanding(db: Queryable, sourceId: Uuid): Promise<Standing> {
  const [erased, ids, excluded, erasures] = await Promise.all([
    erasedAmong(db, [sourceId]),
    readIds(db, sourceId),
    db.query(erasureSql.erasure_excluded, [sourceId]),
    db.query<{ erasure_id: string; status: ErasureStatus }>(erasureSql.erasure_of, [sourceId]),
  ]);
  const [last] = erasures;
  const erasure = last === undefined ? null : { erasureId: last.erasure_id, status: last.status };
  return {
    state: ids.student_id !== null ? 'known' : erased.has(sourceId) ? 'erased' : 'unknown',
    isExcluded: excluded.length > 0,
    erasure,
    onItsWay: erasure?.status === 'finished' ? null : erasure,
  };
}

/** How many rows an erasure of the student would remove now. Tables without any are left out. */
export async function countRows(db: Queryable, sourceId: Uuid): Promise<RemovedRows> {
  const whose = { studentId: await studentIdOf(db, sourceId), sourceId };
  const counts: Record<string, number> = {};
  for (const { table, where } of PERSONAL_DATA)
    add(counts, table, await count(db, `SELECT count(*)::integer AS rows FROM ${table} WHERE ${given(where)}`, whose));
  return counts;
}

/** What requesting an erasure would lead to: the reason of a refusal, or the rows that are here now. */
export type ErasureProspect =
  | { readonly refused: 'unknown' }
  | { readonly refused: 'excluded' }
  | (Pick<Standing, 'erasure' | 'onItsWay'> & {
      readonly refused: null;
      readonly rows: RemovedRows;
      /** The student is erased already, and nothing is left. */
      readonly isDone: boolean;
    });

export async function readProspect(db: Queryable, sourceId: Uuid): Promise<ErasureProspect> {
  const { state, isExcluded, erasure, onItsWay } = await readStanding(db, sourceId);
  if (isExcluded) return { refused: 'excluded' };
  const rows = await countRows(db, sourceId);
  // An unreadable record may name a student of whom we have nothing else.
  if (state === 'unknown' && onItsWay === null && Object.keys(rows).length === 0) return { refused: 'unknown' };
  const isDone = state === 'erased' && onItsWay === null && Object.keys(rows).length === 0;
  return { refused: null, erasure, onItsWay, rows, isDone };
}

/** @returns the id of the erasure, new or already under way */
export async function requestErasure(
  db: Queryable,
  sourceId: Uuid,
  { by, reason }: { readonly by: string; readonly reason: string | null },
): Promise<string> {
  for (;;) {
    const { onItsWay } = await readStanding(db, sourceId);
    if (onItsWay !== null) return onItsWay.erasureId;
    const [made] = await db.query<{ erasure_id: string }>(erasureSql.erasure_request, [sourceId, by, reason]);
    if (made !== undefined) return made.erasure_id;
  }
}

const findRow = async (db: Queryable, erasureId: string): Promise<ErasureRow | undefined> =>
  (await db.query<ErasureRow>(erasureSql.erasure_find, [erasureId]))[0];

export async function findErasure(db: Queryable, erasureId: string): Promise<Erasure | undefined> {
  const row = await findRow(db, erasureId);
  if (row === undefined) return undefined;
  const { record, key_id: key, signature } = row;
  return {
    erasureId: row.erasure_id,
    status: row.status,
    requestedAt: row.requested_at,
    requestedBy: row.requested_by,
    reason: row.reason,
    removedAt: row.removed_at,
    finishedAt: row.finished_at,
    removed: row.removed,
    signed:
      record === null || key === null || signature === null
        ? null
        : { record: JSON.parse(record) as ErasureRecord, key, signature },
  };
}

/** Unfinished erasures, the oldest first. */
export const unfinishedErasures = async (db: Queryable): Promise<string[]> =>
  (await db.query<{ erasure_id: string }>(erasureSql.erasures_unfinished)).map((row) => row.erasure_id);

/**
 * Removes all rows of the student of a queued erasure, in one transaction while nobody stages or derives: afterwards the
 * student is refused and the courses are marked. So nobody ever sees a partial erasure, and a process that dies on the way
 * has done nothing. The tombstones for the feature topics wait in the outbox.
 */
export async function removeRows(db: Database, erasureId: string): Promise<void> {
  await db.transaction(async (tx) => {
    await holdCalendar(tx);
    await lockAllTables(tx);
    const [held] = await tx.query<{ status: ErasureStatus }>(erasureSql.erasure_hold, [erasureId]);
    if (held?.status !== 'queued') return;
    const sourceId = (await findRow(tx, erasureId))?.source_id ?? null;
    if (sourceId === null) return;
    const whose = { studentId: await studentIdOf(tx, sourceId), sourceId };
    await tx.query(erasureSql.erasure_salt);
    await tx.query(erasureSql.erasure_refuse, [sourceId, whose.studentId]);
    await tx.query(erasureSql.erasure_cancel_run, [whose.studentId]);
    await tx.query(erasureSql.erasure_course_marks, [whose.studentId]);
    const removed = await remove(tx, AT_ONCE, whose, {});
    // After the keys, in the same order as everybody else: whoever notes a key for its topic locks the key first.
    await tx.query(erasureSql.erasure_topics, [whose.studentId, TOPICS]);
    await tx.query(erasureSql.erasure_removed, [erasureId, JSON.stringify(removed), whose.studentId]);
    await tx.query(runSql.notify, [WAKE_CHANNEL, erasureId]);
  });
}

/** What an erasure waits for, in words; empty if it can be finished. */
export async function waitsFor(db: Queryable, erasureId: string): Promise<string[]> {
  const row = await findRow(db, erasureId);
  if (row === undefined || row.status === 'finished') return [];
  const [waits] = await db.query<{ topics: readonly string[]; is_run: boolean }>(erasureSql.erasure_waits, [
    row.student_id,
    TOPICS,
  ]);
  return [
    ...(waits?.topics ?? []).map((topic) => `the topic ${topic} to be told`),
    ...(waits?.is_run === true ? ['a run about the student to end'] : []),
  ];
}

/**
 * Finishes an erasure whose rows are removed, once the topics have the tombstones: removes the rows that this needed, and
 * those that a process at work has written since, forgets our integer, and signs the record.
 * @returns false while it has to wait
 */
export async function finishErasure(db: Database, erasureId: string, signer: RecordSigner): Promise<boolean> {
  if ((await waitsFor(db, erasureId)).length > 0) return false;
  return db.transaction(async (tx) => {
    await holdCalendar(tx);
    await lockAllTables(tx);
    const [held] = await tx.query<{ status: ErasureStatus }>(erasureSql.erasure_hold, [erasureId]);
    if (held?.status !== 'removed') return held?.status === 'finished';
    const row = await findRow(tx, erasureId);
    if (row === undefined || (await waitsFor(tx, erasureId)).length > 0) return false;
    const removed = await remove(tx, AFTERWARDS, { studentId: row.student_id, sourceId: null }, row.removed);
    const finishedAt = new Date();
    const record: ErasureRecord = {
      erasure_id: erasureId,
      student_digest: row.digest ?? '',
      requested_at: row.requested_at.toISOString(),
      requested_by: row.requested_by,
      reason: row.reason,
      removed_at: (row.removed_at ?? finishedAt).toISOString(),
      finished_at: finishedAt.toISOString(),
      removed,
    };
    const text = JSON.stringify(record);
    await tx.query(erasureSql.erasure_finish, [
      erasureId,
      finishedAt,
      JSON.stringify(removed),
      text,
      signer.keyId,
      signer.sign(text),
    ]);
    return true;
  });
}

/**
 * Removes what processes that were at work during an erasure have written since, found by our integer, which no longer leads
 * to anybody: the verdict of a run that had begun before, a row of a key's state.
 * @returns how many rows
 */
export async function sweepErased(db: Database): Promise<number> {
  const recent = await db.query<{ student_id: number }>(erasureSql.erased_recently);
  let rows = 0;
  for (const { student_id: studentId } of recent) {
    const whose = { studentId, sourceId: null };
    const left = await db.transaction(async (tx) => {
      await holdCalendar(tx);
      return remove(tx, LATE, whose, {});
    });
    rows += Object.values(left).reduce((sum, count) => sum + count, 0);
  }
  return rows;
}

/** Lets a student be taken in again. @returns false if nobody with this id was erased */
export async function readmitStudent(db: Queryable, sourceId: Uuid): Promise<boolean> {
  return (await db.query(erasureSql.erasure_readmit, [sourceId])).length > 0;
}

async function readIds(
  db: Queryable,
  sourceId: Uuid,
): Promise<{ student_id: number | null; erased_id: number | null }> {
  const [row] = await db.query<{ student_id: number | null; erased_id: number | null }>(erasureSql.erasure_student, [
    sourceId,
  ]);
  return row ?? { student_id: null, erased_id: null };
}

async function studentIdOf(db: Queryable, sourceId: Uuid): Promise<number | null> {
  const { student_id, erased_id } = await readIds(db, sourceId);
  return student_id ?? erased_id;
}

async function remove(
  tx: Queryable,
  data: readonly PersonalData[],
  whose: Whose,
  before: RemovedRows,
): Promise<RemovedRows> {
  const counts = { ...before };
  for (const { table, where, set } of data) {
    const change = set === undefined ? `DELETE FROM ${table}` : `UPDATE ${table} SET ${set}`;
    const statement = `WITH gone AS (${change} WHERE ${given(where)} RETURNING 1) SELECT count(*)::integer AS rows FROM gone`;
    add(counts, table, await count(tx, statement, whose));
  }
  return counts;
}

/** The condition with both parameters in it, even if it uses only one: Postgres has to know their types. */
const given = (where: string): string =>
  `(${where.replaceAll('$1', '$1::integer').replaceAll('$2', '$2::uuid')}) AND ($1::integer IS NOT NULL OR $2::uuid IS NOT NULL)`;

async function count(db: Queryable, statement: string, { studentId, sourceId }: Whose): Promise<number> {
  const [row] = await db.query<{ rows: number }>(statement, [studentId, sourceId]);
  return row?.rows ?? 0;
}

function add(counts: Record<string, number>, table: string, rows: number): void {
  const name = table.replace('public.', '');
  if (rows > 0) counts[name] = (counts[name] ?? 0) + rows;
}
