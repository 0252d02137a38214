import type { LocalMillis } from '#libs/domain/change.ts';
import { DAY, localWeekday, startOfDay } from '../local-time.ts';
import type { Random } from '../random.ts';
import type { Conduct, HandIn, Stage, StoryLine, StoryName, StudyDay } from './story.ts';

/**
 * Monday … Sunday: how the days of a week differ apart from what is due, which brings students on Thursdays. The two
 * together give the week of a real course.
 */
const WEEKDAY = [1.2, 1.12, 1.11, 0.45, 0.97, 1.06, 1.14];

/** Weights of the 24 hours; `rest` for those not named. */
export const hours = (peaks: Readonly<Record<number, number>>, rest: number): number[] =>
  Array.from({ length: 24 }, (_, hour) => peaks[hour] ?? rest);

const DAYTIME = hours(
  { 7: 1, 8: 3, 9: 5, 10: 7, 11: 6, 12: 3, 13: 4, 14: 6, 15: 5, 16: 4, 17: 3, 18: 3, 19: 5, 20: 5, 21: 3, 22: 1 },
  0.05,
);

/** What students do who have no story, and what those with one do where it does not say otherwise. */
export const usualDay = ({ day, mood }: StudyDay): Conduct => ({
  presence: (WEEKDAY[localWeekday(day)] ?? 1) * Math.exp(0.7 * mood),
  oneMore: 0.2,
  hours: DAYTIME,
  talks: true,
});

/** Mostly on the day it is due, as real students do; some days before, some a few days after. */
export function usualHandIn(random: Random): HandIn | null {
  if (random.chance(0.07)) return null;
  const when = random.next();
  if (when < 0.32) return { daysLate: -random.int(1, 4), effort: 0 };
  return { daysLate: when < 0.78 ? 0 : random.int(2, 13), effort: 0 };
}

/** The first day on which the student is in all of the courses, or with `least` in one of them. */
export const firstDayIn = ({ courses }: Pick<Stage, 'courses'>, which: 'all' | 'least' = 'least'): LocalMillis => {
  const days = courses.map((course) => startOfDay(course.from));
  return which === 'all' ? Math.max(...days) : Math.min(...days);
};

/** A trait rather than an event: it holds in every course, since the student is there. */
export const trait = (story: StoryName, stage: Stage, details: StoryLine['details']): StoryLine[] => [
  { story, courseId: null, startsOn: firstDayIn(stage), endsOn: null, details },
];

/** A day that many days before the end of the history, and some days after the student is in all of the courses. */
export const dayBefore = (stage: Stage, days: number, settled: number): LocalMillis =>
  Math.max(startOfDay(stage.end) - days * DAY, firstDayIn(stage, 'all') + settled * DAY);
