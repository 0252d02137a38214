import { UnrecoverableError } from '#libs/domain/errors.ts';
import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { markAllCourses } from './keys.ts';
import { MARK_PRIORITY, markAllKeys } from './marks.ts';
import { keySql } from './statements.ts';

const CALENDAR_LOCK = [7_130_003, 0] as const;

/** Keeps today and the settings as they are until the transaction ends. @returns whether a snapshot is being read */
export async function shareCalendar(tx: Queryable): Promise<boolean> {
  const [row] = await tx.query<{ in_snapshot: boolean }>(keySql.calendar_share, CALENDAR_LOCK);
  return row?.in_snapshot === true;
}

/** Waits until all derivations have finished, and keeps others from beginning until the transaction ends. */
export async function holdCalendar(tx: Queryable): Promise<void> {
  await tx.query(keySql.calendar_hold, CALENDAR_LOCK);
}

interface CalendarRow {
  readonly today: string;
  readonly fingerprint: string | null;
}

async function readCalendar(db: Queryable): Promise<CalendarRow> {
  const [row] = await db.query<CalendarRow>(keySql.calendar_today);
  if (row === undefined) throw new Error('the calendar has not begun: no rollover has run on this database');
  return row;
}

/** Today at the institution, according to the database. */
export const readToday = async (db: Queryable): Promise<LocalDay> => parseDay((await readCalendar(db)).today);

/** The same, for a caller about to write. @throws UnrecoverableError when the database has other settings by now */
export async function readTodayToWrite(tx: Queryable, fingerprint: string): Promise<LocalDay> {
  const row = await readCalendar(tx);
  checkFingerprint(row.fingerprint, fingerprint);
  return parseDay(row.today);
}

/** @throws UnrecoverableError when results in this database are made with other settings than the caller's */
export function checkFingerprint(stored: string | null, own: string): void {
  if (stored === null || stored === own) return;
  throw new UnrecoverableError(
    'settings_changed',
    'another process has adopted other settings that results depend on (zones, weights, aliases, …); this one writes nothing more',
    'give every process the same settings and start it again',
  );
}

/** Sets today in a database that has none yet. */
export async function beginCalendar(db: Database, today: LocalDay): Promise<void> {
  await db.query(keySql.calendar_begin, [formatDay(today)]);
}

/**
 * Moves today forward and marks what depends on it: every course, and keys with a row that was in the future.
 * @returns false if it is already that day, or a later one
 */
export async function advanceToday(tx: Queryable, today: LocalDay): Promise<boolean> {
  const moved = await tx.query(keySql.calendar_advance, [formatDay(today)]);
  if (moved.length === 0) return false;
  await markAllCourses(tx, false);
  await tx.query(keySql.rollover_mark_keys, [today]);
  return true;
}

/** Moves today back, for a caller that then marks every key and course. @returns false if it is not a later day */
export async function lowerToday(tx: Queryable, today: LocalDay): Promise<boolean> {
  return (await tx.query(keySql.calendar_take_back, [formatDay(today)])).length > 0;
}

/**
 * Moves today back and marks every key and course, so that whatever was derived for the days between is derived again.
 * @returns false if it is already that day, or an earlier one
 */
export async function takeTodayBack(tx: Queryable, today: LocalDay): Promise<boolean> {
  if (!(await lowerToday(tx, today))) return false;
  await markAllCourses(tx, true);
  await markAllKeys(tx, MARK_PRIORITY.bulk, null);
  return true;
}
