import type { Queryable } from '#libs/platform/postgres/database.ts';
import { progressSql } from './statements.ts';

/** What a process has counted since it started. */
export interface Counted {
  /** Changes staged. */
  readonly staged: number;
  /** Those of them that did not come from a snapshot. */
  readonly streamed: number;
  /** How often news has changed what engagement or performance stores of a key. */
  readonly changed: number;
}

/** A process, as it describes itself. */
export interface Instance extends Counted {
  readonly id: string;
  readonly roles: readonly string[];
  /** What it takes in: shared by processes that read the same source. */
  readonly intake: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly troubles: readonly string[];
  /** JSON text; null: the process reads no source. */
  readonly source: string | null;
}

/** A slot delivers every table to one process at a time; topics are read by each role separately. */
export const intakeName = (role: string, way: 'pgoutput' | 'kafka'): string =>
  way === 'kafka' ? `kafka ${role}` : way;
export const readsTopics = ({ intake }: Pick<Instance, 'intake'>): boolean => intake.startsWith('kafka ');

/** A process that has not reported for a day is no longer shown. */
const FORGOTTEN_AFTER_SECONDS = 86_400;

export async function reportInstance(db: Queryable, instance: Instance): Promise<void> {
  const { id, roles, intake, host, pid, startedAt, troubles, staged, streamed, changed, source } = instance;
  await db.query(progressSql.instance_report, [
    id,
    roles,
    intake,
    host,
    pid,
    startedAt,
    troubles,
    staged,
    streamed,
    changed,
    source,
  ]);
}

export async function forgetInstances(db: Queryable): Promise<void> {
  await db.query(progressSql.instance_forget, [FORGOTTEN_AFTER_SECONDS]);
}

/** Called by a process that ends normally, so that it is no longer shown. */
export async function leaveInstance(db: Queryable, id: string): Promise<void> {
  await db.query(progressSql.instance_leave, [id]);
}
