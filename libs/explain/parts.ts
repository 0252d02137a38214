import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import type { Grounds } from './grounds.ts';

/** The numbers between the rows and a value, by name, as JSON. */
export type Parts = Readonly<Record<string, unknown>>;

/** For every column of a family, what its value is made from: the value follows from these parts alone. */
export type PartsOf<F extends object> = Readonly<Record<keyof F & string, (grounds: Grounds) => Parts>>;

export const dayShown = (day: LocalDay | null): string | null => (day === null ? null : formatDay(day));

export const instantShown = (at: Instant | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Consecutive days: the first and the last. */
export interface DayRun {
  readonly from: string;
  readonly to: string;
}

/** @param days ascending, each once */
export function runsOf(days: readonly LocalDay[]): DayRun[] {
  const runs: { from: LocalDay; to: LocalDay }[] = [];
  for (const day of days) {
    const last = runs.at(-1);
    if (last?.to === day - 1) last.to = day;
    else runs.push({ from: day, to: day });
  }
  return runs.map(({ from, to }) => ({ from: formatDay(from), to: formatDay(to) }));
}

/** The days on which a daily value changes. @param values one per day, from `firstDay` on */
export const stepsOf = (
  values: readonly (number | null)[],
  firstDay: LocalDay,
): { readonly from: string; readonly points: number | null }[] =>
  values.flatMap((points, index) =>
    index > 0 && values[index - 1] === points ? [] : [{ from: formatDay(firstDay + index), points }],
  );

/** What would change a value, and how: in words, and as codes with values for clients with their own wording. */
export interface WouldChange {
  readonly change: string;
  readonly effect: string;
  readonly change_code: ChangeCode;
  readonly effect_code: EffectCode;
  readonly values: Readonly<Record<string, string | number>>;
}

export const CHANGE_CODES = [
  'more_logins',
  'more_time',
  'more_forum_posts',
  'more_resources',
  'active_any_day',
  'inactive_until',
  'ma7_above',
  'ma7_below',
  'other_graded',
  'no_grade_until',
  'more_active_days',
  'handed_in',
  'all_handed_in',
  'active_and_handed_in',
  'better_marks',
  'more_points',
] as const;
export type ChangeCode = (typeof CHANGE_CODES)[number];

export const EFFECT_CODES = [
  'gain',
  'opens',
  'closes',
  'closes_gone',
  'closes_while_same',
  'closes_old_news',
  'judged_instead',
  'points',
  'points_close',
  'points_stay_open',
  'marks_points',
  'attention_opens',
] as const;
export type EffectCode = (typeof EFFECT_CODES)[number];
