import { FAMILIES } from '#libs/domain/family.ts';
import { droppedLines } from '#libs/platform/log-writer.ts';
import type { Reading } from '#libs/platform/metrics.ts';
import { isDatabaseFault, type Queryable } from '#libs/platform/postgres/database.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { connectorReadings, readConnectors } from './connectors.ts';
import { DatabaseDeadlineError } from './errors.ts';
import { lagOf, readStreamProgress, type StreamProgress } from './freshness.ts';
import { instanceReadings, readInstances } from './instances.ts';
import { type LastReconcile, readLastReconcile } from './last-reconcile.ts';
import { slotReadings } from './source.ts';
import { sql } from './statements.ts';

interface OutboxRow {
  readonly topic: string;
  readonly waiting: bigint;
  readonly oldest: Date;
}

/**
 * What the database and the source of this process say at the moment, as metrics. An unreachable database is itself a
 * reading: monitoring should learn of it, rather than get no metrics.
 * @param now milliseconds since 1970, by the clock that lag is measured with
 */
export async function readReadings(db: Queryable, now: number, source: SourceStatus | null): Promise<Reading[]> {
  try {
    const progress = await readStreamProgress(db);
    const instances = await readInstances(db);
    const connectors = await readConnectors(db);
    const outbox = await db.query<OutboxRow>(sql.outbox_waiting);
    const reconcile = await readLastReconcile(db);
    return [
      ...databaseUp(true),
      ...processReadings(source),
      ...progressReadings(progress, now),
      ...instanceReadings(instances),
      ...connectorReadings(connectors),
      ...waiting(outbox, now),
      ...reconcileReadings(reconcile),
    ];
  } catch (error) {
    if (!isDatabaseFault(error) && !(error instanceof DatabaseDeadlineError)) throw error;
    return [...databaseUp(false), ...processReadings(source)];
  }
}

const databaseUp = (isUp: boolean): Reading[] => [{ name: 'prepadata_database_up', labels: {}, value: isUp ? 1 : 0 }];

const processReadings = (source: SourceStatus | null): Reading[] => [
  { name: 'prepadata_log_lines_dropped_total', labels: {}, value: droppedLines() },
  ...sourceReadings(source),
];

function sourceReadings(source: SourceStatus | null): Reading[] {
  const { lagBytes = null, slot } = source ?? {};
  const lag: Reading[] =
    lagBytes === null ? [] : [{ name: 'prepadata_source_lag_bytes', labels: {}, value: Number(lagBytes) }];
  if (slot === undefined) return lag;
  const { name, retainedBytes, safeBytes } = slot;
  return [...lag, ...slotReadings(name, Number(retainedBytes), safeBytes === null ? null : Number(safeBytes))];
}

const waiting = (outbox: readonly OutboxRow[], now: number): Reading[] =>
  outbox.flatMap(({ topic, waiting: keys, oldest }): Reading[] => [
    { name: 'prepadata_outbox_waiting', labels: { topic }, value: Number(keys) },
    { name: 'prepadata_relay_lag_seconds', labels: { topic }, value: Math.max(0, now - oldest.getTime()) / 1000 },
  ]);

function reconcileReadings(last: LastReconcile): Reading[] {
  if (last === null) return [];
  const { status, finished_at, verdict } = last;
  const seconds = Date.parse(finished_at) / 1000;
  return [
    { name: 'prepadata_reconcile_finished_seconds', labels: { status }, value: seconds },
    ...(['repaired', 'left'] as const).flatMap((outcome): Reading[] =>
      verdict === null
        ? []
        : [{ name: 'prepadata_reconcile_differences', labels: { outcome }, value: verdict[outcome] }],
    ),
  ];
}

function progressReadings(progress: StreamProgress, now: number): Reading[] {
  return [
    ...FAMILIES.flatMap((family): Reading[] => {
      const marks = progress.marks.find((row) => row.family === family);
      const rows = progress.rows.find((row) => row.family === family);
      const lag = lagOf(marks, now);
      return [
        { name: 'prepadata_marks_waiting', labels: { family }, value: Number(marks?.waiting ?? 0) },
        { name: 'prepadata_keys_set_aside', labels: { family }, value: progress.setAside.get(family) ?? 0 },
        { name: 'prepadata_stale_rows', labels: { family }, value: Number(rows?.stale_rows ?? 0) },
        ...(lag === null ? [] : [{ name: 'prepadata_lag_seconds' as const, labels: { family }, value: lag / 1000 }]),
      ];
    }),
    ...progress.streams.flatMap(({ stream, applied, epoch, phase: current }): Reading[] => [
      { name: 'prepadata_stream_applied', labels: { stream }, value: Number(applied) },
      { name: 'prepadata_stream_epoch', labels: { stream }, value: epoch },
      ...(['snapshot', 'streaming'] as const).map((phase) => ({
        name: 'prepadata_stream_phase' as const,
        labels: { stream, phase },
        value: phase === current ? 1 : 0,
      })),
    ]),
    ...progress.totals.map((row) => ({
      name: 'prepadata_rejected_total' as const,
      labels: { table: row.source_table, reason: row.reason },
      value: Number(row.total),
    })),
    { name: 'prepadata_rejected_waiting', labels: {}, value: progress.rejectedWaiting },
  ];
}
