import { z } from 'zod';
import { isDatabaseFault, isRefusal, type Queryable } from '#libs/platform/postgres/database.ts';
import type { Countdown } from '#libs/platform/time-left.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { readsTopics } from '#libs/store/progress/instances.ts';
import { backlogTroubles } from './backlog.ts';
import { connectorTroubles, readConnectors } from './connectors.ts';
import { withDeadline } from './deadline.ts';
import { DatabaseDeadlineError } from './errors.ts';
import { instanceTroubles, readInstances } from './instances.ts';
import { newEpochTroubles } from './new-epoch.ts';
import { readSetAside, setAsideTroubles } from './set-aside.ts';
import { presentSource, sourceAnswer } from './source.ts';
import { sql } from './statements.ts';

export const healthAnswer = z.strictObject({ status: z.literal('ok') });

export const readyAnswer = z.strictObject({ status: z.literal('ready'), source: sourceAnswer });
export const notReadyAnswer = z.strictObject({
  status: z.literal('not ready'),
  reasons: z.array(z.string()).min(1),
  source: sourceAnswer,
});
export type Readiness = z.output<typeof readyAnswer> | z.output<typeof notReadyAnswer>;

const DEADLINE_MS = 2_000;

export interface ReadinessOptions {
  /** What other parts of the process have found wrong. */
  readonly reasons: readonly string[];
  /** Of the source that this process reads; null when another process does. */
  readonly status: SourceStatus | null;
  /** Those that other processes are supposed to run. */
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of the waiting keys; the caller keeps it between calls. */
  readonly countdown: Countdown;
}

/** Whether requests can be answered now. */
export async function readReadiness(
  db: Queryable,
  { reasons, status, roles, now, countdown }: ReadinessOptions,
): Promise<Readiness> {
  const all = [...reasons, ...slotTroubles(status)];
  const source = status === null ? null : presentSource(status);
  try {
    const answering = withDeadline(db, DEADLINE_MS);
    await answering.query(sql.alive);
    const instances = roles.length === 0 ? [] : await readInstances(answering);
    all.push(...setAsideTroubles(await readSetAside(answering)));
    if (roles.length > 0) {
      all.push(...instanceTroubles(instances, roles));
      all.push(...connectorTroubles(await readConnectors(answering), now));
      all.push(...(await newEpochTroubles(answering)));
    }
    const overKafka = instances.some((instance) => instance.alive && readsTopics(instance));
    all.push(...(await backlogTroubles(answering, { overKafka, now, countdown })));
  } catch (error) {
    all.push(describe(error));
  }
  return all.length === 0 ? { status: 'ready', source } : { status: 'not ready', reasons: all, source };
}

function slotTroubles(status: SourceStatus | null): string[] {
  if (status?.slot?.isEndangered !== true) return [];
  return [
    `the replication slot ${status.slot.name} is beyond the log that its server keeps (max_slot_wal_keep_size); if it is lost, everything is read anew`,
  ];
}

/** Codes of a server that answers, but ended what exceeded a limit of libs/store/schema/session-limits.ts. */
const CUT_OFF: Readonly<Record<string, string>> = {
  '57014': 'the analytics database has cut off a statement that took too long',
  '55P03': 'the analytics database has cut off a statement that waited too long for a lock',
  '25P03': 'the analytics database has ended a transaction in which nothing happened for too long',
};

/** Names only the code, which is enough for an operator; the text of the error may hold addresses and users. */
function describe(error: unknown): string {
  if (error instanceof DatabaseDeadlineError) return error.message;
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  if (typeof code === 'string' && code in CUT_OFF) return `${CUT_OFF[code]} (${code})`;
  const suffix = typeof code === 'string' ? ` (${code})` : '';
  if (isRefusal(error)) return `the analytics database does not let us in${suffix}`;
  return isDatabaseFault(error)
    ? `the analytics database does not answer${suffix}`
    : `the analytics database cannot be read${suffix}`;
}
