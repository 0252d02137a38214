import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from './statements.ts';

const CALENDAR_LOCK = [7_130_003, 0] as const;

/** Keeps today where it is until the transaction ends. */
export async function shareCalendar(tx: Queryable): Promise<void> {
  await tx.query(sql.calendar_share, CALENDAR_LOCK);
}

/** Waits for all that derive to finish, and holds newcomers back until the transaction ends. */
export async function holdCalendar(tx: Queryable): Promise<void> {
  await tx.query(sql.calendar_hold, CALENDAR_LOCK);
}

/** Today at the institution, as the database has it. */
export async function readToday(db: Queryable): Promise<LocalDay> {
  const [row] = await db.query<{ today: string }>(sql.calendar_today);
  if (row === undefined) throw new Error('the calendar has not begun: no rollover has run on this database');
  return parseDay(row.today);
}

/** Sets today in a database that has none yet. */
export async function beginCalendar(db: Database, today: LocalDay): Promise<void> {
  await db.query(sql.calendar_begin, [formatDay(today)]);
}

/**
 * Moves today forward and marks what depends on it: every course, and keys with a row that was in the future.
 * @returns false when it is that day already, or a later one
 */
export async function advanceToday(tx: Queryable, today: LocalDay): Promise<boolean> {
  const moved = await tx.query(sql.calendar_advance, [formatDay(today)]);
  if (moved.length === 0) return false;
  await tx.query(sql.rollover_mark_courses);
  await tx.query(sql.rollover_mark_keys, [today]);
  return true;
}
