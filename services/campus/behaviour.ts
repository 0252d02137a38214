import type { LocalMillis } from '#libs/domain/change.ts';
import { DAY, HOUR, MINUTE, SECOND, weekdayOf } from './local-time.ts';
import type { Profile } from './people.ts';
import type { Random } from './random.ts';

/** Monday … Sunday: how the days of a week differ. */
const WEEKDAY = [1.15, 1.1, 1.1, 1.0, 0.75, 0.5, 0.85];

const hours = (peaks: Readonly<Record<number, number>>, rest: number): number[] =>
  Array.from({ length: 24 }, (_, hour) => peaks[hour] ?? rest);

const DAYTIME = hours(
  { 7: 1, 8: 3, 9: 5, 10: 7, 11: 6, 12: 3, 13: 4, 14: 6, 15: 5, 16: 4, 17: 3, 18: 3, 19: 5, 20: 5, 21: 3, 22: 1 },
  0.05,
);
const NIGHT = hours({ 0: 5, 1: 3, 2: 1, 14: 1, 16: 1, 18: 2, 19: 2, 20: 4, 21: 6, 22: 8, 23: 8 }, 0.1);
const REGULAR = hours({ 8: 2, 9: 9, 10: 8, 11: 2, 14: 3, 19: 6, 20: 6 }, 0.05);

const HOURS: Record<Profile, readonly number[]> = {
  diligent: REGULAR,
  average: DAYTIME,
  fading: DAYTIME,
  cramming: hours({ 15: 2, 16: 3, 17: 3, 18: 4, 19: 5, 20: 7, 21: 8, 22: 8, 23: 5 }, 0.3),
  'night owl': NIGHT,
};

/** What one day of one student in one course depends on. */
export interface DayOfStudy {
  readonly profile: Profile;
  readonly day: LocalMillis;
  /** Share of the course that is over, 0 to 1. */
  readonly progress: number;
  /** Whole days to the next due date. */
  readonly daysToDeadline: number;
}

/** How many visits to expect on a day. */
export function visitsExpected({ profile, day, progress, daysToDeadline }: DayOfStudy): number {
  const near = daysToDeadline <= 2 ? 1.3 : 1;
  const base: Record<Profile, number> = {
    diligent: 0.95 * near,
    average: 0.55 * near,
    // Begins like the diligent ones and is as good as gone after three quarters of the course.
    fading: Math.max(0.01, 0.9 * (1 - progress * 1.3)),
    cramming: daysToDeadline <= 3 ? 1.6 : 0.08,
    'night owl': 0.6 * near,
  };
  return base[profile] * (WEEKDAY[weekdayOf(day)] ?? 1);
}

/** A moment of a day at which a student of this kind begins a visit. */
export const visitStart = (profile: Profile, day: LocalMillis, random: Random): LocalMillis =>
  day + random.weighted(HOURS[profile]) * HOUR + random.int(0, HOUR - 1);

/** How long somebody stays on a page: mostly minutes, seldom long. */
export const stay = (random: Random): number =>
  Math.round(20 * SECOND + 6 * MINUTE * random.next() ** 2 + (random.chance(0.1) ? 14 * MINUTE * random.next() : 0));

/** Of the days before (or, negative, after) the due date; null if the work is never handed in. */
export function handInLead(profile: Profile, progress: number, random: Random): number | null {
  const never = {
    diligent: 0.02,
    average: 0.08,
    fading: Math.min(0.95, progress * 1.2),
    cramming: 0.12,
    'night owl': 0.1,
  };
  if (random.chance(never[profile])) return null;
  if (profile === 'diligent') return DAY * (0.5 + 3 * random.next());
  if (profile === 'cramming') return DAY * (0.3 - 0.5 * random.next());
  if (profile === 'fading') return DAY * (1.2 - (1 + 2 * progress) * random.next());
  return DAY * (2 - 2.2 * random.next());
}

/** A mark for one item, 0.25 at the finest and never 0: a 0 means "not graded yet" in this LMS. */
export function markFor(ability: number, max: number, random: Random): number {
  const share = Math.min(1, Math.max(0.05, ability + 0.13 * random.normal()));
  return Math.max(0.25, Math.round(share * max * 4) / 4);
}
