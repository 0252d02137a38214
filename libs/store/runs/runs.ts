import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import type { RunMode, RunOrigin, RunProgress, RunScope, RunStatus, Verdict } from '#libs/domain/run.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { runSql } from './statements.ts';

/** A process that waits for runs hears on this channel that one was asked for. */
export const RUNS_CHANNEL = 'prepadata_runs';

/** A run that is begun this often without coming to an end has failed. */
export const MAX_ATTEMPTS = 3;

export interface RunRequest {
  readonly mode: RunMode;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  readonly requestedBy: RunOrigin;
  /** The time of the schedule it is for, or when the epoch began that it is for, milliseconds since 1970. */
  readonly scheduledFor?: number;
}

/** A run, as its row and its log have it. */
export interface PipelineRun {
  readonly runId: string;
  readonly mode: RunMode;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  readonly requestedBy: RunOrigin;
  readonly scheduledFor: Date | null;
  readonly status: RunStatus;
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** How often it was begun. */
  readonly attempts: number;
  /** A queued run is not begun before. */
  readonly nextAttemptAt: Date;
  readonly progress: RunProgress | null;
  readonly cancelRequested: boolean;
  /** Why it failed, was cancelled or is begun again. */
  readonly reason: string | null;
  readonly recordsProcessed: number | null;
  readonly recordsFailed: number | null;
  readonly verdict: Verdict | null;
}

/** What its process has to know of a run. */
export interface ClaimedRun {
  readonly runId: string;
  readonly mode: RunMode;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  /** This one counted. */
  readonly attempts: number;
}

/** How a run ended. */
export interface RunEnd {
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  /** Null for one that succeeded. */
  readonly reason: string | null;
  readonly recordsProcessed?: number;
  readonly recordsFailed?: number;
  readonly verdict?: Verdict;
}

interface ScopeJson {
  readonly from?: string;
  readonly to?: string;
  readonly course_id?: number;
  readonly student_id?: number;
}

/** A scope as it is stored and served: days as `YYYY-MM-DD`. */
export const scopeToJson = ({ from, to, courseId, studentId }: RunScope): ScopeJson => ({
  ...(from === undefined ? {} : { from: formatDay(from) }),
  ...(to === undefined ? {} : { to: formatDay(to) }),
  ...(courseId === undefined ? {} : { course_id: courseId }),
  ...(studentId === undefined ? {} : { student_id: studentId }),
});

const scopeFromJson = ({ from, to, course_id, student_id }: ScopeJson): RunScope => ({
  ...(from === undefined ? {} : { from: parseDay(from) }),
  ...(to === undefined ? {} : { to: parseDay(to) }),
  ...(course_id === undefined ? {} : { courseId: course_id }),
  ...(student_id === undefined ? {} : { studentId: student_id }),
});

/**
 * Asks for a run, if none is queued or running.
 * @returns the id of the new run; null when there is another, or its scheduled time has been asked for
 */
export async function requestRun(db: Queryable, request: RunRequest): Promise<string | null> {
  const { mode, scope, dryRun, requestedBy, scheduledFor } = request;
  const [made] = await db.query<{ run_id: string }>(runSql.run_request, [
    mode,
    JSON.stringify(scopeToJson(scope)),
    dryRun,
    requestedBy,
    scheduledFor === undefined ? null : new Date(scheduledFor),
  ]);
  if (made === undefined) return null;
  await db.query(runSql.notify, [RUNS_CHANNEL, made.run_id]);
  return made.run_id;
}

interface RunRow {
  readonly run_id: string;
  readonly mode: RunMode;
  readonly scope: ScopeJson;
  readonly dry_run: boolean;
  readonly requested_by: RunOrigin;
  readonly scheduled_for: Date | null;
  readonly status: RunStatus;
  readonly requested_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly progress: RunProgress | null;
  readonly cancel_requested: boolean;
  readonly reason: string | null;
  readonly records_processed: bigint | null;
  readonly records_failed: bigint | null;
  readonly verdict: Verdict | null;
}

/** The run of this id; for null the one that is queued or running, else the newest. */
export async function findRun(db: Queryable, runId: string | null): Promise<PipelineRun | undefined> {
  const [row] = await db.query<RunRow>(runSql.run_find, [runId]);
  if (row === undefined) return undefined;
  return {
    runId: row.run_id,
    mode: row.mode,
    scope: scopeFromJson(row.scope),
    dryRun: row.dry_run,
    requestedBy: row.requested_by,
    scheduledFor: row.scheduled_for,
    status: row.status,
    requestedAt: row.requested_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    progress: row.progress,
    cancelRequested: row.cancel_requested,
    reason: row.reason,
    recordsProcessed: row.records_processed === null ? null : Number(row.records_processed),
    recordsFailed: row.records_failed === null ? null : Number(row.records_failed),
    verdict: row.verdict,
  };
}

/**
 * Takes a run that waits, or whose process has not been heard of for the length of its lease.
 * @param owner a UUID of the taker
 * @param runId this one alone; null: whichever
 */
export async function claimRun(
  db: Queryable,
  owner: string,
  leaseMs: number,
  runId: string | null = null,
): Promise<ClaimedRun | undefined> {
  const [row] = await db.query<Pick<RunRow, 'run_id' | 'mode' | 'scope' | 'dry_run' | 'attempts'>>(runSql.run_claim, [
    owner,
    leaseMs / 1000,
    runId,
    MAX_ATTEMPTS,
  ]);
  if (row === undefined) return undefined;
  const { run_id, mode, scope, dry_run, attempts } = row;
  return { runId: run_id, mode, scope: scopeFromJson(scope), dryRun: dry_run, attempts };
}

/** Ends the runs that nobody will begin again, each with its reason. @returns how many */
export async function endDeadRuns(db: Queryable): Promise<number> {
  const dead = await db.query<Pick<RunRow, 'run_id' | 'attempts' | 'cancel_requested'>>(runSql.run_dead, [
    MAX_ATTEMPTS,
  ]);
  let ended = 0;
  for (const { run_id, attempts, cancel_requested } of dead) {
    const end: RunEnd = cancel_requested
      ? { status: 'cancelled', reason: 'cancelled' }
      : {
          status: 'failed',
          reason: `begun ${attempts} times, and each time its process was gone, or no longer heard of, before the end`,
        };
    if (await endRun(db, run_id, null, end)) ended += 1;
  }
  return ended;
}

/**
 * Keeps a run for another lease, and notes how far it is.
 * @returns null when the run is no longer the owner's
 */
export async function renewRun(
  db: Queryable,
  runId: string,
  owner: string,
  leaseMs: number,
  progress: RunProgress | null,
): Promise<{ readonly cancelRequested: boolean } | null> {
  const [row] = await db.query<{ cancel_requested: boolean }>(runSql.run_renew, [
    runId,
    owner,
    leaseMs / 1000,
    progress === null ? null : JSON.stringify(progress),
  ]);
  return row === undefined ? null : { cancelRequested: row.cancel_requested };
}

/** @returns false when the run is no longer the owner's, or was cancelled; else nobody can take it until `tx` ends */
export async function guardRun(tx: Queryable, runId: string, owner: string, idleLimitMs: number): Promise<boolean> {
  return (await tx.query(runSql.run_guard, [runId, owner, `${idleLimitMs}ms`])).length > 0;
}

/**
 * Puts a run back into the queue.
 * @param again what to say of the attempt that failed, and how long to wait; null: the attempt does not count
 * @returns false when the run was no longer the owner's
 */
export async function releaseRun(
  db: Queryable,
  runId: string,
  owner: string,
  again: { readonly reason: string; readonly afterMs: number } | null,
): Promise<boolean> {
  const values = again === null ? [0, 1, null] : [again.afterMs / 1000, 0, again.reason];
  return (await db.query(runSql.run_release, [runId, owner, ...values])).length > 0;
}

/**
 * Ends a run and writes its line of `pipeline_logs`.
 * @param owner null: only if nobody has the run
 * @returns false when it was not for the owner to end
 */
export async function endRun(db: Queryable, runId: string, owner: string | null, end: RunEnd): Promise<boolean> {
  const { status, reason, recordsProcessed = null, recordsFailed = null, verdict } = end;
  const details = verdict === undefined ? null : JSON.stringify(verdict);
  const values = [runId, owner, status, reason, recordsProcessed, recordsFailed, details];
  return (await db.query(runSql.run_end, values)).length > 0;
}

/** Asks for the end of a run: one that waits ends at once, one that runs when its process hears of it. */
export async function cancelRun(db: Queryable, runId: string): Promise<void> {
  if ((await db.query(runSql.run_cancel, [runId])).length === 0) return;
  await endRun(db, runId, null, { status: 'cancelled', reason: 'cancelled' });
}

/**
 * Whether a scheduled time has been seen to: `settled` for good, `answered` unless the run that is on its way fails.
 * @param time milliseconds since 1970
 */
export async function runSince(db: Queryable, time: number): Promise<'settled' | 'answered' | 'missed'> {
  const [row] = await db.query<{ settled: boolean; answered: boolean }>(runSql.run_since, [new Date(time)]);
  if (row?.settled === true) return 'settled';
  return row?.answered === true ? 'answered' : 'missed';
}

/** An epoch over Kafka that no reconcile has followed yet. */
export interface UnreconciledEpoch {
  readonly epoch: number;
  readonly begun_at: Date;
}

/** The newest epoch over Kafka, if it streams and a reconcile is to be asked for because of it. */
export async function findUnreconciledEpoch(db: Queryable): Promise<UnreconciledEpoch | undefined> {
  const [row] = await db.query<UnreconciledEpoch>(runSql.epoch_unreconciled, [DEBEZIUM_STREAM]);
  return row;
}

/**
 * Since when this schedule is followed; from now on, if it is new.
 * @param now milliseconds since 1970, as is what is returned
 */
export async function scheduleSince(db: Queryable, pattern: string, now: number): Promise<number> {
  const [row] = await db.query<{ since: Date }>(runSql.schedule_since, [pattern, new Date(now)]);
  return row?.since.getTime() ?? now;
}
