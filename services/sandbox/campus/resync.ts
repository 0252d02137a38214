import type { Uuid } from '#libs/domain/change.ts';
import { type Clock, systemClock } from '#libs/domain/clock.ts';
import { type Database, loadStatements, type Queryable, type SqlStatement } from '#libs/platform/postgres/database.ts';
import { localMillis, timestampText } from './local-time.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), [
  'lock_campus',
  'resync_enrollments',
  'resync_grades',
  'resync_completions',
  'resync_students',
]);

export interface ResyncOptions {
  /** One course's rows only; all courses' when absent. */
  readonly courseId?: Uuid;
  readonly clock?: Clock;
  /** The zone of the source's timestamps; default UTC. */
  readonly timeZone?: string;
}

/** Rows inserted, and students touched. */
export interface ResyncResult {
  readonly enrollments: number;
  readonly grades: number;
  readonly completions: number;
  readonly students: number;
}

/**
 * Does what a careless LMSConnector does at each synchronisation: inserts every enrolment, the present value of every grade
 * item and the present state of every completion again, with new ids, the latter two with the present time. No value changes.
 */
export function resync(db: Database, options: ResyncOptions = {}): Promise<ResyncResult> {
  return db.transaction(async (tx) => {
    await tx.query(sql.lock_campus);
    // Read after taking the lock, so that nothing written before has a later time.
    const now = timestampText(localMillis((options.clock ?? systemClock).now(), options.timeZone));
    const course = options.courseId ?? null;
    return {
      students: await counted(tx, sql.resync_students, [course, now]),
      enrollments: await counted(tx, sql.resync_enrollments, [course]),
      grades: await counted(tx, sql.resync_grades, [course, now]),
      completions: await counted(tx, sql.resync_completions, [course, now]),
    };
  });
}

async function counted(tx: Queryable, statement: SqlStatement, values: readonly (string | null)[]): Promise<number> {
  const [answer] = await tx.query<{ rows: number }>(statement, values);
  return answer?.rows ?? 0;
}
