import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import type { RunMode, RunOrigin, RunProgress, RunScope, RunStatus, Verdict } from '#libs/domain/run.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { runSql } from './statements.ts';

/** The channel that tells waiting processes that a run was requested. */
export const RUNS_CHANNEL = 'prepadata_runs';

/** A run that was begun this many times without ending has failed. */
export const MAX_ATTEMPTS = 3;

export interface RunRequest {
  readonly mode: RunMode;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  readonly requestedBy: RunOrigin;
  /** The scheduled time, or the beginning of the epoch, that it is for, milliseconds since 1970. */
  readonly scheduledFor?: number;
}

/** A run, from its row and its log. */
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
  /** A queued run does not begin before this time. */
  readonly nextAttemptAt: Date;
  readonly progress: RunProgress | null;
  readonly cancelRequested: boolean;
  /** Why it failed, was cancelled or begins again. */
  readonly reason: string | null;
  readonly recordsProcessed: number | null;
  readonly recordsFailed: number | null;
  readonly verdict: Verdict | null;
}

/** What a process needs to know of the run that it has claimed. */
export interface ClaimedRun {
  readonly runId: string;
  readonly mode: RunMode;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  /** Including this one. */
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
 * Requests a run, if none is queued or running.
 * @returns the id of the new run; null if there is another one, or its scheduled time already had a run
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

/** The run with this id; for null the one that is queued or running, else the newest. */
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
 * Claims a run that is queued, or whose process has let its lease run out.
 * @param owner a UUID of the claimer
 * @param runId only this run; null: any
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

/** Ends the runs that nobody will begin again, each with a reason. @returns how many */
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
 * Renews the lease of a run, and stores its progress.
 * @returns null if the run is no longer the owner's
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

/** @returns false if the run is no longer the owner's, or was cancelled; otherwise nobody can claim it until `tx` ends */
export async function guardRun(tx: Queryable, runId: string, owner: string, idleLimitMs: number): Promise<boolean> {
  return (await tx.query(runSql.run_guard, [runId, owner, `${idleLimitMs}ms`])).length > 0;
}

/**
 * Puts a run back into the queue.
 * @param again why the attempt failed, and how long to wait; null: the attempt does not count
 * @returns false if the run was no longer the owner's
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
 * @param owner null: ends the run only if nobody has it
 * @returns false if the run was not the owner's to end
 */
export async function endRun(db: Queryable, runId: string, owner: string | null, end: RunEnd): Promise<boolean> {
  const { status, reason, recordsProcessed = null, recordsFailed = null, verdict } = end;
  const details = verdict === undefined ? null : JSON.stringify(verdict);
  const values = [runId, owner, status, reason, recordsProcessed, recordsFailed, details];
  return (await db.query(runSql.run_end, values)).length > 0;
}

/** Cancels a run: a queued one ends at once, a running one as soon as its process learns of it. */
export async function cancelRun(db: Queryable, runId: string): Promise<void> {
  if ((await db.query(runSql.run_cancel, [runId])).length === 0) return;
  await endRun(db, runId, null, { status: 'cancelled', reason: 'cancelled' });
}

/**
 * Whether a scheduled time has had its run: `settled` for good; `answered` unless the run under way fails; else `missed`.
 * @param time milliseconds since 1970
 */
export async function runSince(db: Queryable, time: number): Promise<'settled' | 'answered' | 'missed'> {
  const [row] = await db.query<{ settled: boolean; answered: boolean }>(runSql.run_since, [new Date(time)]);
  if (row?.settled === true) return 'settled';
  return row?.answered === true ? 'answered' : 'missed';
}

/** An epoch over Kafka of which something may be missing until a reconcile finds it. */
export interface UnreconciledEpoch {
  readonly epoch: number;
  /** Whether the connector went on in the midst of a transaction; else the epoch itself is new. */
  readonly resumed: boolean;
  /** When it began, or was last resumed. */
  readonly since: Date;
  /** Of the newest reconcile of everything requested since then; null: there was none. */
  readonly last_status: RunStatus | null;
  /** When the next one is due. */
  readonly due_at: Date;
  readonly is_due: boolean;
}

/** The newest epoch over Kafka, if it streams and no reconcile has succeeded since it began or was resumed. */
export async function findUnreconciledEpoch(db: Queryable): Promise<UnreconciledEpoch | undefined> {
  const [row] = await db.query<UnreconciledEpoch>(runSql.epoch_unreconciled, [DEBEZIUM_STREAM]);
  return row;
}

/**
 * Since when this schedule is followed; from now on, if it is new.
 * @param now milliseconds since 1970, like the result
 */
export async function scheduleSince(db: Queryable, pattern: string, now: number): Promise<number> {
  const [row] = await db.query<{ since: Date }>(runSql.schedule_since, [pattern, new Date(now)]);
  return row?.since.getTime() ?? now;
}
