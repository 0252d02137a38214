import { z } from 'zod';
import type { Reading } from '#libs/platform/metrics.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { count, instant } from './answers.ts';
import { presentSource, type SourceAnswer, sourceAnswer } from './source.ts';
import { sql } from './statements.ts';

export const instanceAnswer = z.strictObject({
  roles: z.array(z.string()),
  intake: z
    .string()
    .meta({ description: 'What it takes in; of those that say the same one may read and the others stand by' }),
  host: z.string(),
  pid: count,
  started_at: instant,
  heard_at: instant,
  alive: z
    .boolean()
    .meta({ description: 'False: not heard of for a while; it was killed, or cannot reach the database' }),
  troubles: z.array(z.string()).meta({ description: 'One sentence for each thing that does not work there' }),
  staged: count.meta({ description: 'Changes taken in since its start' }),
  streamed: count.meta({ description: 'Of these, not of snapshots' }),
  changed: count.meta({
    description:
      'How often since its start news has changed what is stored of a student in a course by engagement or performance; the rest of what was streamed only repeats what held',
  }),
  source: sourceAnswer,
});
export type InstanceAnswer = z.output<typeof instanceAnswer>;

interface InstanceRow {
  readonly roles: readonly string[];
  readonly intake: string;
  readonly host: string;
  readonly pid: number;
  readonly started_at: Date;
  readonly heard_at: Date;
  readonly alive: boolean;
  readonly troubles: readonly string[];
  readonly staged: bigint;
  readonly streamed: bigint;
  readonly changed: bigint;
  readonly source: SourceStatus | null;
}

/** Each reports every two seconds. */
const ALIVE_SECONDS = 10;

/** Every process that takes changes in, as it last described itself. */
export async function readInstances(db: Queryable): Promise<InstanceAnswer[]> {
  const rows = await db.query<InstanceRow>(sql.freshness_instances, [ALIVE_SECONDS]);
  return rows.map((row) => ({
    roles: [...row.roles],
    intake: row.intake,
    host: row.host,
    pid: row.pid,
    started_at: row.started_at.toISOString(),
    heard_at: row.heard_at.toISOString(),
    alive: row.alive,
    troubles: [...row.troubles],
    staged: Number(row.staged),
    streamed: Number(row.streamed),
    changed: Number(row.changed),
    // Its large numbers were stored as text, which Number reads just as well.
    source: row.source === null ? null : presentSource(row.source),
  }));
}

/**
 * Why a role does not do its work, one sentence each; empty when all do. A process whose source waits is no trouble while
 * another one reads the same intake: it stands by. But nobody else reads the partitions that are assigned to it.
 */
export function instanceTroubles(instances: readonly InstanceAnswer[], roles: readonly string[]): string[] {
  return roles.flatMap((role) => {
    const alive = instances.filter((instance) => instance.alive && instance.roles.includes(role));
    if (alive.length === 0) return [`no process of the role ${role} is heard of: each reports every 2 s`];
    const troubles = alive.flatMap((instance) => instance.troubles.map((trouble) => `${role}: ${trouble}`));
    const sources = alive.flatMap(({ intake, source }) =>
      source === null || (isRead(intake, instances) && !keepsOthersOut(source)) ? [] : [`${role}: ${source.detail}`],
    );
    return [...new Set([...troubles, ...sources])];
  });
}

const isRead = (intake: string, instances: readonly InstanceAnswer[]): boolean =>
  instances.some((other) => other.alive && other.intake === intake && other.source?.state === 'streaming');

/** Only a process with partitions knows how many records wait in them. */
const keepsOthersOut = ({ state, lag_records: lag }: NonNullable<SourceAnswer>): boolean =>
  state === 'waiting' && lag !== null;

/** How many processes each role has, and how far they lag behind in total. */
export function instanceReadings(instances: readonly InstanceAnswer[]): Reading[] {
  const roles = [...new Set(instances.flatMap((instance) => instance.roles))];
  return roles.flatMap((role): Reading[] => {
    const alive = instances.filter((instance) => instance.alive && instance.roles.includes(role));
    const lags = alive.flatMap(({ source }) => source?.lag_records ?? []);
    return [
      { name: 'prepadata_instances_alive', labels: { role }, value: alive.length },
      ...(lags.length === 0
        ? []
        : [
            {
              name: 'prepadata_source_lag_records' as const,
              labels: { role },
              value: lags.reduce((sum, lag) => sum + lag, 0),
            },
          ]),
    ];
  });
}
