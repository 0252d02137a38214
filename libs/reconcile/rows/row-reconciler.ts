import type { RunScope } from '#libs/domain/run.ts';
import { namesOf } from '#libs/platform/config/config.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { PGOUTPUT_STREAM } from '#libs/source/contract.ts';
import type { RunContext, RunnerParts } from '../contract.ts';
import type { Say } from '../waiting.ts';
import { openText } from './connection.ts';
import { RowFindings, type RowReconcileResult } from './findings.ts';
import { IdentityCache } from './identity-cache.ts';
import { kafkaMarker } from './kafka-marker.ts';
import { tableScopes } from './scope.ts';
import { openSourceReader, type SourceReader } from './source-reader.ts';
import { pgoutputMarker, type StreamMarker, StreamWatch } from './stream.ts';
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
  const { config, db, settings } = parts;
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
    for (const tableScope of scopes) {
      const onPiece = (): void => say(`comparing ${tableScope.table}`);
      onPiece();
      const common = { db, settings, source, marker, ids, images, findings };
      await reconcileTable({ ...common, context: narrowed, rangeRows, onPiece }, tableScope);
    }
    return findings.result();
  } finally {
    ending.abort(new Error('the comparison of rows has ended'));
    for (const close of closers) await close();
  }
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
