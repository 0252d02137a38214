import { type FirstDays, firstDayOf, isCovered } from '#libs/aggregate/coverage.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { HandedIn } from './attention/member.ts';
import { type ComponentCoverage, Scoring, type TimedEvent } from './engagement-score.ts';
import { movingMean, movingTrend } from './series.ts';
import type { DerivingSettings } from './settings.ts';

/**
 * A key's days from its first one to as of. Scores and means in hundredths, trends in millionths of a point a day, events
 * as counts, active days as 1, others as 0. All arrays have one element per day.
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

/** The series, with the work that was handed in. */
export interface EngagementDays extends EngagementSeries {
  readonly handed_in: readonly HandedIn[];
}

export const coveredComponents = (coverage: FirstDays, day: LocalDay): ComponentCoverage => ({
  logins: isCovered(coverage, 'login', day),
  time: isCovered(coverage, 'duration', day) || isCovered(coverage, 'view', day),
  forum_posts: isCovered(coverage, 'forum_post', day),
  resources: isCovered(coverage, 'view', day),
});

/** The kinds of data that scores are based on. */
const SCORED_KINDS = ['login', 'view', 'duration', 'forum_post'] as const;

/** The scoring of each single day, based on what the course covers by then. */
function dayScorings(coverage: FirstDays, settings: DerivingSettings): (day: LocalDay) => Scoring {
  const begins = SCORED_KINDS.map((kind) => firstDayOf(coverage, kind) ?? Number.POSITIVE_INFINITY);
  const { engagementWeights: weights, engagementTargets: targets } = settings;
  const scorings: Scoring[] = [];
  return (day) => {
    // What is covered stays covered, so the number of kinds determines which they are.
    let kinds = 0;
    for (const begin of begins) if (begin <= day) kinds += 1;
    const scoring = scorings[kinds] ?? new Scoring(coveredComponents(coverage, day), weights, targets, 1);
    scorings[kinds] = scoring;
    return scoring;
  };
}

/**
 * Each day's score is based on what the course covered by then.
 * @param events in order of their days
 */
export function engagementSeries(
  events: readonly TimedEvent[],
  activeDays: readonly LocalDay[],
  coverage: FirstDays,
  firstDay: LocalDay,
  asOf: LocalDay,
  settings: DerivingSettings,
): EngagementSeries {
  const scoringOn = dayScorings(coverage, settings);
  const active = new Set(activeDays);
  const [scores, counts, actives]: [(number | null)[], number[], number[]] = [[], [], []];
  let next = events.filter(({ event }) => event.day < firstDay).length;
  for (let day = firstDay; day <= asOf; day += 1) {
    const first = next;
    while (events[next]?.event.day === day) next += 1;
    const scoring = scoringOn(day);
    scores.push(next === first ? scoring.idle : scoring.score(events.slice(first, next)));
    counts.push(next - first);
    actives.push(active.has(day) ? 1 : 0);
  }
  return {
    firstDay,
    score: scores,
    ma7: movingMean(scores, 7),
    ma30: movingMean(scores, 30),
    trend: movingTrend(scores, 30),
    events: counts,
    active: actives,
  };
}

/**
 * The daily scores of a stored series, including the days it does not show: before there was a row nothing was done, which
 * scores 0 if the course collected anything with a weight. A score needs no row.
 */
export function withIdleDays(
  score: readonly (number | null)[],
  firstDay: LocalDay,
  coverage: FirstDays,
  settings: DerivingSettings,
): (number | null)[] {
  const scoringOn = dayScorings(coverage, settings);
  return score.map((value, index) => value ?? scoringOn(firstDay + index).idle);
}

/**
 * The series with the days before `day` hidden: a key can begin with a grade, days before it has a row in this family.
 * Those days still count in later means. The last day is always shown, and agrees with the key's features.
 */
export function showFrom(series: EngagementSeries, day: LocalDay | null): EngagementSeries {
  const hidden = Math.min((day ?? series.firstDay) - series.firstDay, series.score.length - 1);
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
