import { type FirstDays, isCovered } from '#libs/aggregate/coverage.ts';
import type { Event } from '#libs/aggregate/events.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { HandedIn } from './attention/member.ts';
import { amountsOf, type ComponentCoverage, engagementScore, idleScore } from './engagement-score.ts';
import { movingMean, movingTrend } from './series.ts';
import type { DerivingSettings } from './settings.ts';

/**
 * A key's days from its first one to as of. Scores and means in hundredths, trends in millionths of a point a day, events
 * as counts, active days as 1, others as 0. All arrays are as long as there are days.
 */
export interface EngagementSeries {
  readonly firstDay: LocalDay;
  readonly score: readonly (number | null)[];
  readonly ma7: readonly (number | null)[];
  readonly ma30: readonly (number | null)[];
  readonly trend: readonly (number | null)[];
  readonly events: readonly number[];
  readonly active: readonly number[];
}

/** The series with what was handed in on its days. */
export interface EngagementDays extends EngagementSeries {
  readonly handed_in: readonly HandedIn[];
}

/** An event with the milliseconds that count for it. */
export interface TimedEvent {
  readonly event: Event;
  readonly milliseconds: number;
}

export const coveredComponents = (coverage: FirstDays, day: LocalDay): ComponentCoverage => ({
  logins: isCovered(coverage, 'login', day),
  time: isCovered(coverage, 'duration', day) || isCovered(coverage, 'view', day),
  forum_posts: isCovered(coverage, 'forum_post', day),
  resources: isCovered(coverage, 'view', day),
});

/** Each day's score is judged by what the course covered by then. */
export function engagementSeries(
  events: readonly TimedEvent[],
  activeDays: readonly LocalDay[],
  coverage: FirstDays,
  firstDay: LocalDay,
  asOf: LocalDay,
  settings: DerivingSettings,
): EngagementSeries {
  const byDay = new Map<LocalDay, TimedEvent[]>();
  for (const timed of events) {
    const day = byDay.get(timed.event.day);
    if (day === undefined) byDay.set(timed.event.day, [timed]);
    else day.push(timed);
  }
  const active = new Set(activeDays);
  const days = Array.from({ length: Math.max(0, asOf - firstDay + 1) }, (_, index) => firstDay + index);
  const { engagementWeights: weights, engagementTargets: targets } = settings;
  const score = days.map((day) => {
    const covered = coveredComponents(coverage, day);
    const done = byDay.get(day);
    // Most days are idle, and an idle day needs no fractions.
    return done === undefined
      ? idleScore(covered, weights)
      : engagementScore(amountsOf(done, covered), weights, targets, 1);
  });
  return {
    firstDay,
    score,
    ma7: movingMean(score, 7),
    ma30: movingMean(score, 30),
    trend: movingTrend(score, 30),
    events: days.map((day) => byDay.get(day)?.length ?? 0),
    active: days.map((day) => (active.has(day) ? 1 : 0)),
  };
}

/**
 * The daily scores of a stored series, with those of the days that it does not show: before there was a row nothing was
 * done, which is 0 where the course collected anything that weighs. A scored day asks for no row.
 */
export const withIdleDays = (
  score: readonly (number | null)[],
  firstDay: LocalDay,
  coverage: FirstDays,
  { engagementWeights }: DerivingSettings,
): (number | null)[] =>
  score.map((value, index) => value ?? idleScore(coveredComponents(coverage, firstDay + index), engagementWeights));

/**
 * The series with nothing to show before `day`: a key can begin with a grade, days before it has a row of this family.
 * Those days count in later means all the same. The last day shows what the features of the key say.
 */
export function showFrom(series: EngagementSeries, day: LocalDay | null): EngagementSeries {
  const hidden = day === null ? 0 : Math.min(day - series.firstDay, series.score.length - 1);
  if (hidden <= 0) return series;
  const hide = (values: readonly (number | null)[]): (number | null)[] =>
    values.map((value, index) => (index < hidden ? null : value));
  return {
    ...series,
    score: hide(series.score),
    ma7: hide(series.ma7),
    ma30: hide(series.ma30),
    trend: hide(series.trend),
  };
}
