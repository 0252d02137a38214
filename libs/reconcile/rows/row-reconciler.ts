import { parseLsn } from '#libs/domain/position.ts';
import type { RunScope } from '#libs/domain/run.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { namesOf } from '#libs/platform/config/config.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { PGOUTPUT_STREAM } from '#libs/source/contract.ts';
import { forgetTombstones, hasTombstones } from '#libs/store/images/settled.ts';
import type { RunContext, RunnerParts } from '../contract.ts';
import type { Say } from '../waiting.ts';
import { openText } from './connection.ts';
import { RowFindings, type RowReconcileResult } from './findings.ts';
import { IdentityCache } from './identity-cache.ts';
import { kafkaMarker } from './kafka-marker.ts';
import { tableScopes } from './scope.ts';
import { type LogMoment, openSourceReader, type SourceReader } from './source-reader.ts';
import { pgoutputMarker, type StreamMarker, StreamWatch, type TableEpoch } from './stream.ts';
import { reconcileTable } from './table-reconciler.ts';

export type { RowReconcileResult } from './findings.ts';

export interface RowReconciler {
  /**
   * Compares every source row with its image, and repairs the images unless it is a dry run. Days do not limit it.
   * Rejects with the signal's reason as soon as the run's signal aborts.
   * @throws the driver's errors when a database is away; PrepaError for an unknown student or course in the scope
   */
  run(context: RunContext, scope: RunScope): Promise<RowReconcileResult>;
}

export interface RowReconcilerOptions {
  /** Rows read at a time, from either side. */
  readonly rangeRows?: number;
}

const RANGE_ROWS = 10_000;

/** Compares what is staged with the source's rows. Its connections live as long as a run. */
export async function openRowReconciler(
  parts: RunnerParts,
  options: RowReconcilerOptions = {},
): Promise<RowReconciler> {
  return { run: (context, scope) => runRows(parts, context, scope, options.rangeRows ?? RANGE_ROWS) };
}

async function runRows(
  parts: RunnerParts,
  context: RunContext,
  scope: RunScope,
  rangeRows: number,
): Promise<RowReconcileResult> {
  const { config, db, settings, log } = parts;
  const findings = new RowFindings();
  // However the run ends, its connections end with it.
  const ending = new AbortController();
  const signal = AbortSignal.any([context.signal, ending.signal]);
  let total: number | null = null;
  const say: Say = (phase) => context.progress({ phase, done: findings.compared, total });
  const narrowed = { dryRun: context.dryRun, guard: (tx: Queryable) => context.guard(tx), signal };
  const closers: (() => void | Promise<void>)[] = [];
  try {
    signal.throwIfAborted();
    const source = await openSourceReader(parts.source, namesOf(config), signal);
    closers.push(() => source.close());
    const images = await openText(parts.analytics, 'reconcile images', signal);
    closers.push(() => images.close());
    const marker = await openMarker(parts, context, source, say, signal);
    closers.push(() => marker.close());
    const ids = new IdentityCache(db);
    const scopes = await tableScopes(db, scope);
    const isWhole = scope.courseId === undefined && scope.studentId === undefined;
    if (isWhole) total = Math.round(await source.estimate());
    const isForgetting = isWhole && !context.dryRun && marker.canBeSure;
    for (const tableScope of scopes) {
      const onPiece = (): void => say(`comparing ${tableScope.table}`);
      onPiece();
      const common = { db, settings, source, marker, ids, images, findings };
      const { table } = tableScope;
      // The epoch first: its place in the log means nothing in that of another server.
      const since = isForgetting ? { ...(await marker.tableEpoch(table)), ...(await source.now()) } : undefined;
      await reconcileTable({ ...common, context: narrowed, rangeRows, onPiece }, tableScope);
      if (since !== undefined) await forgetGone({ db, source, marker, guard: narrowed.guard, log }, table, since);
    }
    return findings.result();
  } finally {
    ending.abort(new Error('the comparison of rows has ended'));
    for (const close of closers) await close();
  }
}

interface ForgettingParts {
  readonly db: Database;
  readonly source: SourceReader;
  readonly marker: StreamMarker;
  readonly guard: (tx: Queryable) => Promise<void>;
  readonly log: Log;
}

/**
 * Removes the tombstones from before a moment. Every transaction that had written anything by then has ended, and what was
 * committed since then is staged: so no change from before it can come that is not a repetition.
 */
async function forgetGone(
  { db, source, marker, guard, log }: ForgettingParts,
  table: SourceTable,
  { epoch, lsn, xid }: Pick<TableEpoch, 'epoch'> & LogMoment,
): Promise<void> {
  const position = { epoch, lsn: parseLsn(lsn) - 1n };
  // Over Kafka it may take a minute to be sure.
  if (!(await hasTombstones(db, table, position))) return;
  if (!(await source.hasEnded({ lsn, xid })) || !(await marker.pass(table, epoch, true))) return;
  const removed = await forgetTombstones(db, table, position, guard);
  log.info({ table, removed }, `${removed} images of deleted rows are no longer needed`);
}

function openMarker(
  { config, db, log }: RunnerParts,
  { runId }: RunContext,
  source: SourceReader,
  say: Say,
  signal: AbortSignal,
): StreamMarker | Promise<StreamMarker> {
  if (config.CDC_SOURCE === 'kafka') return kafkaMarker({ config, db, log, source, runId, say, signal });
  return pgoutputMarker(new StreamWatch(db, PGOUTPUT_STREAM, say, signal), source, runId);
}
