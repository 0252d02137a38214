import type { FlagName } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';

/** The open flags of one student in one course, by day. */
export interface FlaggedDays {
  readonly firstDay: LocalDay;
  readonly flags: readonly (readonly FlagName[])[];
  /** Points of attention. */
  readonly points: readonly number[];
  /** The index of the day since which attention has been open; null if it is not. */
  readonly since: readonly (number | null)[];
  /** Ascending. */
  readonly activeDays: readonly LocalDay[];
}

/** Something that is open or closed for a student on a day. */
export interface Alarm {
  readonly name: string;
  isOpen(days: FlaggedDays, index: number): boolean;
  /** Whether its being open is news to the teacher. By default: it was closed the day before. */
  opens?(days: FlaggedDays, index: number): boolean;
}

/** The days on which the alarm opens, including the first day if it is open then. */
export function openingsOf(alarm: Alarm, days: FlaggedDays): LocalDay[] {
  const opens =
    alarm.opens ?? ((of, index) => alarm.isOpen(of, index) && (index === 0 || !alarm.isOpen(of, index - 1)));
  return days.flags.flatMap((_, index) => (opens(days, index) ? [days.firstDay + index] : []));
}
