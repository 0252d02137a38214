import { z } from 'zod';
import { formatDay, type LocalDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { hasEnded, RUN_MODES, RUN_ORIGINS, RUN_STATUSES, type Verdict } from '#libs/domain/run.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { sleep } from '#libs/platform/retry.ts';
import {
  cancelRun,
  findRun,
  type PipelineRun,
  type RunRequest,
  requestRun,
  scopeToJson,
} from '#libs/store/runs/runs.ts';
import { count, day, instant, isoInstant, known } from './answers.ts';
import { InvalidRequestError, NotFoundError, RunConflictError } from './errors.ts';
import { findEntity } from './identity.ts';
import { bodyEntityId, calendarDay } from './parameters.ts';
import { sql } from './statements.ts';

export const triggerQuery = z.strictObject({
  wait: z
    .stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive', error: 'true or false is expected' })
    .default(false)
    .meta({ description: 'true: answers when the run has ended, with its verdict; leaving does not stop the run' }),
});

export const triggerBody = z.strictObject({
  mode: z
    .enum(RUN_MODES, { error: `${RUN_MODES.join(' or ')} is expected` })
    .default('reconcile')
    .meta({ description: 'reconcile: compare with the source and repair; backfill: compute the days again' }),
  from: calendarDay
    .nullish()
    .meta({ description: 'First day of series that is looked at, of the institution; a backfill has to have one' }),
  to: calendarDay.nullish().meta({ description: 'Last day; today unless given' }),
  course_id: bodyEntityId.nullish().meta({ description: 'Only this course: our integer, or the UUID of the source' }),
  student_id: bodyEntityId.nullish().meta({ description: 'Only this student: our integer, or the UUID of the source' }),
  dry_run: z
    .boolean({ error: 'true or false is expected' })
    .default(false)
    .meta({ description: 'true: compare, repair nothing' }),
});

const runId = z.uuid({ error: 'the UUID of a run is expected' }).toLowerCase();

export const statusQuery = z.strictObject({
  run_id: runId.optional().meta({ description: 'Which run; without it the one under way, else the newest' }),
});

export const cancelBody = z.strictObject({ run_id: runId.meta({ description: 'Which run' }) });

const tally = z
  .strictObject({ equal: count, mismatched: count, missing: count, extra: count, repaired: count })
  .meta({ id: 'Tally' });

const verdictAnswer = z
  .strictObject({
    tables: z.record(z.string(), tally).meta({ description: 'Rows, by source table: our images against the source' }),
    features: z
      .record(z.string(), tally)
      .meta({ description: 'Values and days, by table and column; courses; topics' }),
    kinds: z.record(z.string(), count).meta({ description: 'How many differences of each kind' }),
    examples: z
      .array(
        z.strictObject({
          where: z.string(),
          kind: z.string(),
          key: z.string(),
          expected: z.string().nullable(),
          found: z.string().nullable(),
          repaired: z.boolean(),
        }),
      )
      .readonly(),
    skipped: count.meta({ description: 'Left out, since it changed while it was compared' }),
  })
  .meta({ id: 'Verdict' }) satisfies z.ZodType<Verdict>;

export const acceptedAnswer = z
  .strictObject({ run_id: z.uuid(), status: z.enum(RUN_STATUSES) })
  .meta({ id: 'AcceptedRun' });
export type AcceptedRun = z.output<typeof acceptedAnswer>;

export const runAnswer = z
  .strictObject({
    run_id: z.uuid(),
    status: z.enum(RUN_STATUSES),
    mode: z.enum(RUN_MODES),
    scope: z.strictObject({
      from: day.optional(),
      to: day.optional(),
      course_id: z.int().optional(),
      student_id: z.int().optional(),
    }),
    dry_run: z.boolean(),
    requested_by: z.enum(RUN_ORIGINS),
    requested_at: instant,
    scheduled_for: known(
      instant,
      'The time of the schedule that it is for; of a run after a new epoch over Kafka: when that began',
    ),
    started_at: known(instant, 'When it was first begun'),
    finished_at: known(instant, 'When it ended'),
    attempts: count.meta({ description: 'How often it was begun' }),
    next_attempt_at: known(instant, 'While it is queued: it is not begun before'),
    cancel_requested: z.boolean(),
    progress: known(
      z.strictObject({ phase: z.string(), done: count, total: count.nullable() }),
      'How far it is, or was when it ended',
    ),
    reason: known(z.string(), 'Why it failed, was cancelled or is begun again'),
    records_processed: known(count, 'Rows and keys compared'),
    records_failed: known(count, 'Of these, those that differed and still do'),
    verdict: known(verdictAnswer, 'What it found; null until it succeeds'),
  })
  .meta({ id: 'Run' });
export type RunAnswer = z.output<typeof runAnswer>;

export const statusAnswer = z.union([runAnswer, z.strictObject({ status: z.literal('none') })]);

type TriggerBody = z.output<typeof triggerBody>;

/**
 * What a body asks for, with its ids looked up and its days checked.
 * @param now milliseconds since 1970; tells today's date if no rollover has ever run
 * @throws InvalidRequestError naming the field of an impossible range; NotFoundError for an id never seen
 */
export async function readRunRequest(
  db: Queryable,
  body: TriggerBody,
  now: number,
): Promise<Pick<RunRequest, 'mode' | 'scope' | 'dryRun'>> {
  const [calendar] = await db.query<{ today: string }>(sql.freshness_today);
  const today = calendar === undefined ? Math.floor(now / MS_PER_DAY) : parseDay(calendar.today);
  const { from, to } = checkRange(body, today);
  const course = isGiven(body.course_id) ? await findEntity(db, 'course', body.course_id) : undefined;
  const student = isGiven(body.student_id) ? await findEntity(db, 'student', body.student_id) : undefined;
  return {
    mode: body.mode,
    dryRun: body.dry_run,
    scope: {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(course === undefined ? {} : { courseId: course.id }),
      ...(student === undefined ? {} : { studentId: student.id }),
    },
  };
}

const isGiven = (text: string | null | undefined): text is string => text !== null && text !== undefined;

interface Range {
  readonly from: LocalDay | undefined;
  readonly to: LocalDay | undefined;
}

function checkRange({ mode, from, to }: TriggerBody, today: LocalDay): Range {
  for (const [name, text] of Object.entries({ from, to })) {
    if (isGiven(text) && parseDay(text) > today)
      throw impossible(name, text, `it lies in the future; today is ${formatDay(today)}`);
  }
  if (isGiven(from) && isGiven(to) && from > to) throw impossible('from', from, `it lies after to, ${to}`);
  if (mode === 'backfill' && !isGiven(from)) {
    throw new InvalidRequestError(
      'invalid_parameter',
      'from is missing: a backfill needs the day to begin with',
      'give from, and to where it is not to go on until today',
    );
  }
  return { from: isGiven(from) ? parseDay(from) : undefined, to: isGiven(to) ? parseDay(to) : undefined };
}

const impossible = (name: string, text: string, why: string): InvalidRequestError =>
  new InvalidRequestError('invalid_parameter', `${name} is "${text}": ${why}`, `correct ${name} and ask again`);

/**
 * Puts a run into the queue.
 * @throws RunConflictError when another one is queued or running
 */
export async function triggerRun(db: Queryable, request: RunRequest): Promise<string> {
  // The run in the way may have ended before it could be named: then there is room, so try again.
  for (;;) {
    const made = await requestRun(db, request);
    if (made !== null) return made;
    const other = await findRun(db, null);
    if (other === undefined || hasEnded(other.status)) continue;
    throw new RunConflictError(
      'run_active',
      other.runId,
      `run ${other.runId} is ${other.status}, and runs go one at a time`,
      `wait for it (GET /api/pipeline/status?run_id=${other.runId}), or end it with POST /api/pipeline/cancel`,
    );
  }
}

export interface WaitOptions {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly everyMs: number;
  /** A run that no process has begun by then is not waited for any longer; milliseconds. */
  readonly beginWithinMs: number;
}

/** Waits until a run has ended. @returns the run as it is then, or as it is when the waiting ends */
export async function awaitRun(db: Queryable, id: string, timeout: WaitOptions): Promise<PipelineRun> {
  const { signal, everyMs, beginWithinMs } = timeout;
  const began = performance.now();
  for (;;) {
    const run = await findRun(db, id);
    if (run === undefined) throw runNotFound(id);
    const isLeft = run.attempts === 0 && performance.now() - began > beginWithinMs;
    if (hasEnded(run.status) || isLeft || signal.aborted) return run;
    await sleep(everyMs, signal);
  }
}

/**
 * The run with this id; without an id the one under way, or else the newest; `none` if there never was one.
 * @throws NotFoundError for an id never seen
 */
export async function readStatus(db: Queryable, id: string | undefined): Promise<z.output<typeof statusAnswer>> {
  const run = await findRun(db, id ?? null);
  if (run !== undefined) return presentRun(run);
  if (id !== undefined) throw runNotFound(id);
  return { status: 'none' };
}

/**
 * Requests that a run end.
 * @throws NotFoundError for an id never seen; RunConflictError when it has ended by itself
 */
export async function cancel(db: Queryable, id: string): Promise<AcceptedRun> {
  await cancelRun(db, id);
  const run = await findRun(db, id);
  if (run === undefined) throw runNotFound(id);
  if (!hasEnded(run.status) || run.status === 'cancelled') return { run_id: run.runId, status: run.status };
  throw new RunConflictError(
    'run_ended',
    run.runId,
    `run ${run.runId} has ended: ${run.status}`,
    'there is nothing left to cancel',
  );
}

const runNotFound = (id: string): NotFoundError =>
  new NotFoundError(`there is no run ${id}`, 'GET /api/pipeline/status names the newest', 'run_not_found');

/** A run as it is served. */
export const presentRun = (run: PipelineRun): RunAnswer => ({
  run_id: run.runId,
  status: run.status,
  mode: run.mode,
  scope: scopeToJson(run.scope),
  dry_run: run.dryRun,
  requested_by: run.requestedBy,
  requested_at: run.requestedAt.toISOString(),
  scheduled_for: isoInstant(run.scheduledFor),
  started_at: isoInstant(run.startedAt),
  finished_at: isoInstant(run.finishedAt),
  attempts: run.attempts,
  next_attempt_at: run.status === 'queued' ? run.nextAttemptAt.toISOString() : null,
  cancel_requested: run.cancelRequested,
  progress: run.progress,
  reason: run.reason,
  records_processed: run.recordsProcessed,
  records_failed: run.recordsFailed,
  verdict: run.verdict,
});
