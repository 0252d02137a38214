import { z } from 'zod';
import { FAMILIES, type Family, perFamily } from '#libs/domain/family.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, day, instant, known } from './answers.ts';
import { connectorTroubles, readConnectors } from './connectors.ts';
import { lagsOf, readStreamProgress } from './freshness.ts';
import { type InstanceAnswer, instanceTroubles, readInstances } from './instances.ts';
import type { LastHour } from './last-hour.ts';
import { type LastReconcile, readLastReconcile } from './last-reconcile.ts';
import { newEpochTroubles } from './new-epoch.ts';
import { slotAnswer, slotsOf } from './slots.ts';

const HEALTH = ['well', 'troubled', 'silent', 'unknown'] as const;
type Health = (typeof HEALTH)[number];

const roleAnswer = z.strictObject({
  role: z.enum([...FAMILIES, 'connector', 'reconcile', 'api']),
  health: z.enum(HEALTH).meta({
    description:
      'silent: no process of it is heard of; unknown: nothing tells, as of a reconcile before the first, or a connector where there is none',
  }),
  processes: known(count, 'Those that are heard of; null where they do not report'),
  troubles: z.array(z.string()).meta({ description: 'One sentence for each thing that does not work' }),
});
export type RoleHealth = z.output<typeof roleAnswer>;

const MEASURED = 'by the process that answers: null of what was before its start, and while the database was away';

const minuteAnswer = z.strictObject({
  at: instant.meta({ description: 'When the minute began' }),
  lag_ms: z.record(z.enum(FAMILIES), z.int().min(0).nullable()).meta({
    description: `The greatest age of the oldest commit that waited to be derived, measured each ten seconds ${MEASURED}`,
  }),
  changes_per_second: known(z.number().min(0), 'Changes taken in by all processes, rows of snapshots left out'),
  retained_bytes: known(count, "Log that the source's server kept"),
});

export const operationAnswer = z
  .strictObject({
    measured_at: instant,
    today: known(day, 'Today at the institution; null before the first rollover'),
    stale_rows: z
      .record(z.enum(FAMILIES), count)
      .meta({ description: 'Rows that speak for an earlier day than their course does' }),
    roles: z.array(roleAnswer),
    lag_ms: z
      .record(z.enum(FAMILIES), count.nullable())
      .meta({ description: 'Age of the oldest commit that waits to be derived, now; null: not known' }),
    slots: z.array(slotAnswer).meta({ description: 'Replication slots at the source; none before it streams' }),
    throughput: known(
      z.strictObject({ changes_per_second: z.number().min(0), seconds: z.number().min(0) }),
      `Changes taken in during the last minute, rows of snapshots left out, measured ${MEASURED}`,
    ),
    noise: known(
      z.strictObject({ received: count, changed: count, seconds: z.number().min(0) }),
      `Of the last hour: source rows received, those of snapshots left out, and how often they changed what is stored of a student in a course; the rest repeated what held. Measured ${MEASURED}`,
    ),
    last_hour: z
      .array(minuteAnswer)
      .length(60)
      .meta({ description: 'By the minute, the oldest first; the last goes on' }),
  })
  .meta({ id: 'Operation' });
export type Operation = z.output<typeof operationAnswer>;

export interface OperationOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What is wrong with the process that answers. */
  readonly checks: readonly string[];
  readonly lastHour: LastHour;
}

/** How everything is doing: all processes, from the database, and the last hour, as measured by this process. */
export async function readOperation(db: Queryable, { now, checks, lastHour }: OperationOptions): Promise<Operation> {
  const { today, marks, rows } = await readStreamProgress(db);
  const instances = await readInstances(db);
  const connectors = await readConnectors(db);
  const [minute, hour] = [lastHour.flow(now, 60_000), lastHour.flow(now)];
  const connector = connectorTroubles(connectors, now);
  return {
    measured_at: new Date(now).toISOString(),
    today,
    stale_rows: perFamily((family) => Number(rows.find((row) => row.family === family)?.stale_rows ?? 0)),
    roles: [
      ...FAMILIES.map((family) => familyHealth(family, instances)),
      {
        role: 'connector',
        health: connectors.length === 0 ? 'unknown' : healthOf(connector),
        processes: null,
        troubles: connector,
      },
      reconcileHealth(instances, await readLastReconcile(db), await newEpochTroubles(db)),
      { role: 'api', health: healthOf(checks), processes: null, troubles: [...checks] },
    ],
    lag_ms: lagsOf(marks, now),
    slots: slotsOf(instances, connectors),
    throughput: minute && { changes_per_second: perSecond(minute), seconds: minute.seconds },
    noise: hour && { received: hour.streamed, changed: hour.changed, seconds: hour.seconds },
    last_hour: lastHour.minutes(now).map(({ at, lag, flow, retained }) => ({
      at: new Date(at).toISOString(),
      lag_ms: lag,
      changes_per_second: flow && perSecond(flow),
      retained_bytes: retained,
    })),
  };
}

const perSecond = ({ streamed, seconds }: { readonly streamed: number; readonly seconds: number }): number =>
  seconds === 0 ? 0 : Math.round((streamed / seconds) * 100) / 100;

const healthOf = (troubles: readonly string[]): Health => (troubles.length === 0 ? 'well' : 'troubled');

const aliveOf = (role: string, instances: readonly InstanceAnswer[]): number =>
  instances.filter((instance) => instance.alive && instance.roles.includes(role)).length;

function familyHealth(role: Family, instances: readonly InstanceAnswer[]): RoleHealth {
  const processes = aliveOf(role, instances);
  const troubles = instanceTroubles(instances, [role]);
  return { role, health: processes === 0 ? 'silent' : healthOf(troubles), processes, troubles };
}

/** If the reconcile is not a process of its own, it does not report; only its runs tell. */
function reconcileHealth(
  instances: readonly InstanceAnswer[],
  last: LastReconcile,
  newEpoch: readonly string[],
): RoleHealth {
  const isOwn = instances.some(({ roles }) => roles.includes('reconcile'));
  const processes = isOwn ? aliveOf('reconcile', instances) : null;
  const isProved = last === null || (last.status === 'succeeded' && last.verdict?.left === 0);
  const troubles = [
    ...(isOwn ? instanceTroubles(instances, ['reconcile']) : []),
    ...(isProved ? [] : [`the run ${last.run_id} failed or left differences: GET /api/pipeline/status says which`]),
    ...newEpoch,
  ];
  const health = processes === 0 ? 'silent' : !isOwn && last === null ? 'unknown' : healthOf(troubles);
  return { role: 'reconcile', health, processes, troubles };
}
