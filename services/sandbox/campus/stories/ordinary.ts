import type { LocalMillis } from '#libs/domain/change.ts';
import { DAY, localWeekday, startOfDay } from '../local-time.ts';
import type { Random } from '../random.ts';
import type { Conduct, HandIn, Stage, StoryLine, StoryName, StudyDay } from './story.ts';

/**
 * Monday … Sunday: how much more or less students come, apart from due dates, which bring them on Thursdays. The two
 * together give the week of a real course.
 */
const WEEKDAY = [1.2, 1.12, 1.11, 0.45, 0.97, 1.06, 1.14];

/** Weights of the 24 hours; `rest` for hours that are not named. */
export const hours = (peaks: Readonly<Record<number, number>>, rest: number): number[] =>
  Array.from({ length: 24 }, (_, hour) => peaks[hour] ?? rest);

const DAYTIME = hours(
  { 7: 1, 8: 3, 9: 5, 10: 7, 11: 6, 12: 3, 13: 4, 14: 6, 15: 5, 16: 4, 17: 3, 18: 3, 19: 5, 20: 5, 21: 3, 22: 1 },
  0.05,
);

/** The conduct of students without a story, and of others wherever their story does not change it. */
export const usualDay = ({ day, mood }: StudyDay): Conduct => ({
  presence: (WEEKDAY[localWeekday(day)] ?? 1) * Math.exp(0.7 * mood),
  oneMore: 0.2,
  hours: DAYTIME,
  talks: true,
});

/** Mostly on the due day, as real students do; sometimes a few days before it, sometimes up to two weeks after it. */
export function usualHandIn(random: Random): HandIn | null {
  if (random.chance(0.07)) return null;
  const when = random.next();
  if (when < 0.32) return { daysLate: -random.int(1, 4), effort: 0 };
  return { daysLate: when < 0.78 ? 0 : random.int(2, 13), effort: 0 };
}

/** The first day on which the student is in all of the courses or, with `least`, in at least one. */
export const firstDayIn = ({ courses }: Pick<Stage, 'courses'>, which: 'all' | 'least' = 'least'): LocalMillis => {
  const days = courses.map((course) => startOfDay(course.from));
  return which === 'all' ? Math.max(...days) : Math.min(...days);
};

/** A trait rather than an event: it applies to every course, from the first day on. */
export const trait = (story: StoryName, stage: Stage, details: StoryLine['details']): StoryLine[] => [
  { story, courseId: null, startsOn: firstDayIn(stage), endsOn: null, details },
];

/** `days` before the end of the history, but at least `settled` days after the student is in all of the courses. */
export const dayBefore = (stage: Stage, days: number, settled: number): LocalMillis =>
  Math.max(startOfDay(stage.end) - days * DAY, firstDayIn(stage, 'all') + settled * DAY);
