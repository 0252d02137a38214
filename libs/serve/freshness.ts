import { z } from 'zod';
import { FAMILIES, type Family, perFamily } from '#libs/domain/family.ts';
import { formatLsn } from '#libs/domain/position.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { count, day, instant, isoInstant, known } from './answers.ts';
import { connectorAnswer, connectorTroubles, readConnectors } from './connectors.ts';
import { instanceAnswer, instanceTroubles, readInstances } from './instances.ts';
import { lastReconcileAnswer, readLastReconcile } from './last-reconcile.ts';
import { readSetAside } from './set-aside.ts';
import { readSettingsInForce, timeZoneAnswer } from './settings-in-force.ts';
import { presentSource, sourceAnswer } from './source.ts';
import { sql } from './statements.ts';

const role = z.strictObject({
  marks_waiting: count.meta({ description: 'Marks that wait to be derived; a key may have several' }),
  oldest_mark_committed_at: known(instant, 'Earliest commit at the source that a waiting mark comes from'),
  keys_set_aside: count.meta({ description: 'Students of courses whose features cannot be derived' }),
  as_of: z.strictObject({
    courses: count.meta({ description: 'Courses with a row of this family' }),
    stale_rows: count.meta({ description: 'Rows that speak for an earlier day than their course does' }),
  }),
});

/** Milliseconds since the oldest waiting commit; 0: none waits; null: some wait, but none has a time (an initial snapshot). */
const lag = known(count, 'Age of the oldest commit that waits to be derived, in milliseconds');

export const freshnessAnswer = z
  .strictObject({
    today: known(day, 'Today at the institution; null before the first rollover'),
    streams: z.array(
      z.strictObject({
        stream: z.string(),
        epoch: z.int(),
        phase: z.enum(['snapshot', 'streaming']),
        applied: z.string().meta({ description: 'Log sequence number (hi/lo), or the offset of the next record' }),
        committed_at: known(instant, 'Commit time at the source of what was applied last'),
        updated_at: instant,
      }),
    ),
    source: sourceAnswer,
    instances: z.array(instanceAnswer).meta({ description: 'The processes that take changes in' }),
    connectors: z.array(connectorAnswer).meta({ description: 'Debezium, where changes come over Kafka' }),
    troubles: z
      .array(z.string())
      .meta({ description: 'Why changes may not come in, one sentence each; empty when they do' }),
    lag_ms: z.record(z.enum(FAMILIES), lag),
    roles: z.record(z.enum(FAMILIES), role),
    rejected: z.strictObject({
      total: count.meta({ description: 'Rejections ever' }),
      by_table_and_reason: z.array(z.strictObject({ source_table: z.string(), reason: z.string(), total: count })),
    }),
    rejected_waiting: count.meta({ description: 'Source rows that are unreadable now; GET /api/rejected lists them' }),
    reconcile: lastReconcileAnswer,
    feature_version: known(
      z.int(),
      'Version of the definitions in force, as in every row; null before the first settings',
    ),
    settings: known(
      z.string(),
      'Fingerprint of all that decides results, definitions among it, as in the metadata of a training set: another one means that numbers may mean something else',
    ),
    time_zone: known(z.string(), "The institution's, by which its days begin; null before the first settings"),
    time_zones: z.array(timeZoneAnswer).meta({ description: 'Those that local times and days are read by' }),
  })
  .meta({ id: 'Freshness' });
export type Freshness = z.output<typeof freshnessAnswer>;

interface StreamRow {
  readonly stream: string;
  readonly epoch: number;
  readonly phase: 'snapshot' | 'streaming';
  readonly applied: bigint;
  readonly committed_at: Date | null;
  readonly updated_at: Date;
}

interface MarksRow {
  readonly family: Family;
  readonly waiting: bigint;
  readonly oldest_committed_at: Date | null;
}

interface RowsRow {
  readonly family: Family;
  readonly courses: bigint;
  readonly stale_rows: bigint;
}

interface TotalRow {
  readonly source_table: string;
  readonly reason: string;
  readonly total: bigint;
}

/** How far everything has come, as recorded in the database. */
export interface StreamProgress {
  readonly today: string | null;
  readonly streams: readonly StreamRow[];
  readonly marks: readonly MarksRow[];
  readonly rows: readonly RowsRow[];
  readonly totals: readonly TotalRow[];
  readonly rejectedWaiting: number;
  /** Keys by family. */
  readonly setAside: ReadonlyMap<Family, number>;
}

export async function readStreamProgress(db: Queryable): Promise<StreamProgress> {
  const [calendar] = await db.query<{ today: string }>(sql.freshness_today);
  const streams = await db.query<StreamRow>(sql.freshness_streams);
  const marks = await db.query<MarksRow>(sql.freshness_marks);
  const rows = await db.query<RowsRow>(sql.freshness_rows);
  const totals = await db.query<TotalRow>(sql.rejected_totals);
  const [waiting] = await db.query<{ waiting: bigint }>(sql.rejected_waiting);
  const setAside = [...(await readSetAside(db))].map(([family, { keys }]): [Family, number] => [family, keys]);
  return {
    today: calendar?.today ?? null,
    streams,
    marks,
    rows,
    totals,
    rejectedWaiting: Number(waiting?.waiting ?? 0),
    setAside: new Map(setAside),
  };
}

export interface FreshnessOptions {
  /** Milliseconds since 1970, by the clock that lag is measured with. */
  readonly now: number;
  /** Of the source that this process reads; null when another process does. */
  readonly source: SourceStatus | null;
  /** Those that other processes are supposed to run. */
  readonly roles: readonly string[];
}

/** How far everything has come. */
export async function readFreshness(db: Queryable, { now, source, roles }: FreshnessOptions): Promise<Freshness> {
  const instances = await readInstances(db);
  const connectors = await readConnectors(db);
  const settings = await readSettingsInForce(db);
  const elsewhere =
    roles.length === 0 ? [] : [...instanceTroubles(instances, roles), ...connectorTroubles(connectors, now)];
  const here = source === null || source.state === 'streaming' ? [] : [source.detail];
  const { today, streams, marks, rows, totals, rejectedWaiting, setAside } = await readStreamProgress(db);
  return {
    today,
    streams: streams.map(presentStream),
    source: source === null ? null : presentSource(source),
    instances,
    connectors,
    troubles: [...here, ...elsewhere],
    lag_ms: lagsOf(marks, now),
    roles: perFamily((family) =>
      presentRole(
        marks.find((row) => row.family === family),
        rows.find((row) => row.family === family),
        setAside.get(family) ?? 0,
      ),
    ),
    rejected: {
      total: totals.reduce((sum, row) => sum + Number(row.total), 0),
      by_table_and_reason: totals.map((row) => ({ ...row, total: Number(row.total) })),
    },
    rejected_waiting: rejectedWaiting,
    reconcile: await readLastReconcile(db),
    feature_version: settings.featureVersion,
    settings: settings.fingerprint,
    time_zone: settings.institution,
    time_zones: [...settings.all],
  };
}

/** The lag of each family; see the answer's `lag_ms`. */
export async function readLags(db: Queryable, now: number): Promise<Record<Family, number | null>> {
  const marks = await db.query<MarksRow>(sql.freshness_marks);
  return lagsOf(marks, now);
}

export const lagsOf = (marks: readonly MarksRow[], now: number): Record<Family, number | null> =>
  perFamily((family) =>
    lagOf(
      marks.find((row) => row.family === family),
      now,
    ),
  );

/** Milliseconds; see the answer's `lag_ms`. */
export function lagOf(marks: MarksRow | undefined, now: number): number | null {
  if (marks === undefined) return 0;
  // This compares two clocks: the source's may be ahead of ours.
  return marks.oldest_committed_at === null ? null : Math.max(0, now - marks.oldest_committed_at.getTime());
}

const presentRole = (
  marks: MarksRow | undefined,
  rows: RowsRow | undefined,
  setAside: number,
): Freshness['roles'][Family] => ({
  marks_waiting: Number(marks?.waiting ?? 0),
  oldest_mark_committed_at: isoInstant(marks?.oldest_committed_at ?? null),
  keys_set_aside: setAside,
  as_of: { courses: Number(rows?.courses ?? 0), stale_rows: Number(rows?.stale_rows ?? 0) },
});

const presentStream = (row: StreamRow): Freshness['streams'][number] => ({
  stream: row.stream,
  epoch: row.epoch,
  phase: row.phase,
  applied: row.stream.startsWith('kafka:') ? row.applied.toString() : formatLsn(row.applied),
  committed_at: isoInstant(row.committed_at),
  updated_at: row.updated_at.toISOString(),
});
