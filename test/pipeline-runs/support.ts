import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { Runner } from '#libs/reconcile/contract.ts';
import type { JobParts } from '#libs/reconcile/jobs/attempt.ts';
import type { RunTiming } from '#libs/reconcile/jobs/timing.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { advanceProgress, openPartitionProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { findRun, type PipelineRun, type RunRequest, requestRun } from '#libs/store/runs/runs.ts';
import { QUICK } from './fake.ts';

export * from './fake.ts';

export const WHOLE: RunRequest = { mode: 'reconcile', scope: {}, dryRun: false, requestedBy: 'api' };

/** @throws Error when another run is in the way */
export async function ask(db: Database, request: Partial<RunRequest> = {}): Promise<string> {
  const id = await requestRun(db, { ...WHOLE, ...request });
  if (id === null) throw new Error('another run is queued or running');
  return id;
}

export const jobParts = (db: Database, runner: Runner, timing: Partial<RunTiming> = {}): JobParts => ({
  db,
  runner,
  log: openLog('silent'),
  owner: randomUUID(),
  timing: { ...QUICK, ...timing },
});

export async function read(db: Database, id: string): Promise<PipelineRun> {
  const run = await findRun(db, id);
  if (run === undefined) throw new Error(`there is no run ${id}`);
  return run;
}

/** Waits until the condition holds for the run. */
export async function until(db: Database, id: string, isSo: (run: PipelineRun) => boolean): Promise<PipelineRun> {
  for (const end = Date.now() + 100_000; ; await sleep(15)) {
    const run = await read(db, id);
    if (isSo(run)) return run;
    if (Date.now() > end) throw new Error(`the run is still ${JSON.stringify(run)}`);
  }
}

export const ended = ({ status }: PipelineRun): boolean => !['queued', 'running'].includes(status);

/** Leaves no run to the next test. */
export const forgetRuns = async (db: Database): Promise<void> => {
  await db.query('TRUNCATE state.pipeline_run, state.schedule, pipeline_logs');
};

/* Epochs over Kafka, with two partitions per topic. */

const STREAMS = SOURCE_TABLES.flatMap((table) => [0, 1].map((partition) => `kafka:lms.public.${table}:${partition}`));

export const beginEpoch = (db: Database, stream = DEBEZIUM_STREAM): Promise<number> =>
  openProgressStore(db).beginEpoch(stream, 'a server', 'a test');

/** Puts the initial snapshot of an epoch into the topics. */
export const streamEpoch = (db: Database, epoch: number): Promise<void> =>
  advanceProgress(db, { stream: DEBEZIUM_STREAM, epoch, applied: 0n }, true, null);

/** Takes it in, from this many partitions. */
export async function stageEpoch(db: Database, epoch: number, partitions = STREAMS.length): Promise<void> {
  const progress = openPartitionProgress(db);
  await progress.noteTopics(SOURCE_TABLES.map((table) => ({ table, topic: `lms.public.${table}`, partitions: 2 })));
  await progress.open(STREAMS, 'a cluster');
  await progress.noteStaged(STREAMS.slice(0, partitions), epoch);
}

export async function takeInEpoch(db: Database): Promise<number> {
  const epoch = await beginEpoch(db);
  await streamEpoch(db, epoch);
  await stageEpoch(db, epoch);
  return epoch;
}

export const forgetEpochs = async (db: Database): Promise<void> => {
  await db.query('TRUNCATE stream_progress, state.epoch, state.topic RESTART IDENTITY');
};
