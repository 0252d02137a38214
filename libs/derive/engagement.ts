import { type CoverageKind, type FirstDays, isCovered } from '#libs/aggregate/coverage.ts';
import type { EngagementFacts, Enrolment } from '#libs/aggregate/engagement.ts';
import type { Event } from '#libs/aggregate/events.ts';
import { creditedTimes } from '#libs/aggregate/time.ts';
import { earlierDay, type LocalDay } from '#libs/domain/local-date.ts';
import { roundRatio, wholeSum } from '#libs/domain/rational.ts';
import type { FeaturesOf } from '#libs/features/definition.ts';
import type { ENGAGEMENT } from '#libs/features/engagement.ts';
import { absenceDays, activeWithin, currentStreak, longestGap, longestStreak } from './activity-days.ts';
import { handedInOf } from './attention/handed-in.ts';
import { amountsOf, engagementScore, showComponents, type TimedEvent } from './engagement-score.ts';
import {
  coveredComponents,
  type EngagementDays,
  type EngagementSeries,
  engagementSeries,
  showFrom,
} from './engagement-series.ts';
import {
  activityPattern,
  daysByHour,
  daysByWeekday,
  peakRegularity,
  periodicity,
  weekSimilarity,
} from './regularity.ts';
import { scoreText, trendText } from './series.ts';
import { countSessions } from './sessions.ts';
import type { DerivingSettings } from './settings.ts';
import { submissionsOf } from './submissions.ts';

export type EngagementFeatures = FeaturesOf<typeof ENGAGEMENT>;

/** A part of the row, made by one function: the compiler checks that the parts make up the whole. */
type Some = Partial<EngagementFeatures>;

export interface EngagementInput {
  readonly enrolment: Enrolment;
  readonly facts: EngagementFacts;
  readonly coverage: FirstDays;
  readonly asOf: LocalDay;
  /** The key's first day, not before the course's first fact; null if there is none. */
  readonly firstDay: LocalDay | null;
}

export interface EngagementResult {
  readonly features: EngagementFeatures;
  /** Null if the key has no days: no first day, or one after as of. */
  readonly series: EngagementDays | null;
}

/** Everything that the columns are computed from, looked up once. */
interface Context {
  readonly facts: EngagementFacts;
  readonly enrolment: Enrolment;
  readonly asOf: LocalDay;
  readonly settings: DerivingSettings;
  readonly timed: readonly TimedEvent[];
  readonly week: readonly TimedEvent[];
  readonly month: readonly TimedEvent[];
  covers(kind: CoverageKind): boolean;
}

/** The features as of a day, or null if the key has no row: no enrolment and no accepted activity row. */
export function engagementFeatures(input: EngagementInput, settings: DerivingSettings): EngagementResult | null {
  const { enrolment, facts, coverage, asOf, firstDay } = input;
  const timed = timedEvents(facts.events, settings);
  const hasDays = firstDay !== null && firstDay <= asOf;
  const series = hasDays ? engagementSeries(timed, facts.activeDays, coverage, firstDay, asOf, settings) : null;
  const features = engagementRow(input, timed, meansAt(series, asOf), settings);
  if (features === null) return null;
  if (series === null) return { features, series: null };
  return { features, series: { ...showFrom(series, existsFrom(enrolment, facts)), handed_in: handedInOf(facts) } };
}

/** Events in their order, with the time credited to each, which depends only on the events of its own day. */
export function timedEvents(events: readonly Event[], { sessionGapMs }: DerivingSettings): TimedEvent[] {
  const times = creditedTimes(events, sessionGapMs);
  return events.map((event, index) => ({ event, milliseconds: times[index] ?? 0 }));
}

/** The means and the trend of a series on one day. */
export type EngagementMeans = Readonly<Record<'ma7' | 'ma30' | 'trend', number | null>>;

export function meansAt(series: EngagementSeries | null, day: LocalDay): EngagementMeans {
  const at = (values: readonly (number | null)[] | undefined): number | null =>
    values?.[day - (series?.firstDay ?? day)] ?? null;
  return { ma7: at(series?.ma7), ma30: at(series?.ma30), trend: at(series?.trend) };
}

/**
 * The features as of a day, when what they follow from has already been looked up; null as above.
 * @param timed the events of the facts
 */
export function engagementRow(
  { enrolment, facts, coverage, asOf }: Omit<EngagementInput, 'firstDay'>,
  timed: readonly TimedEvent[],
  means: EngagementMeans,
  settings: DerivingSettings,
): EngagementFeatures | null {
  if (!enrolment.enrolled && facts.firstRowDay === null) return null;
  const within = (days: number): TimedEvent[] => timed.filter(({ event }) => event.day > asOf - days);
  const context: Context = {
    facts,
    enrolment,
    asOf,
    settings,
    timed,
    week: within(7),
    month: within(30),
    covers: (kind) => isCovered(coverage, kind, asOf),
  };
  return {
    enrolled_at: enrolment.at,
    activity_scope: context.covers('event') && !context.covers('course_event') ? 'site' : 'course',
    ...counts(context),
    ...timeSpent(context),
    ...days(context),
    ...work(context),
    ...scores(context, coverage, means),
    ...rhythm(context),
  };
}

/** The first day as of which the key has a row; null if it has one on every day. */
const existsFrom = (enrolment: Enrolment, facts: EngagementFacts): LocalDay | null =>
  enrolment.undated ? null : earlierDay(enrolment.day, facts.firstRowDay);

function counts({ facts, timed, week, month, settings, covers }: Context) {
  const ofType = (events: readonly TimedEvent[], type: 'login' | 'view' | 'forum_post'): number | null =>
    covers(type) ? events.reduce((count, { event }) => (event.type === type ? count + 1 : count), 0) : null;
  const viewed = new Set<string>();
  for (const { event } of timed) if (event.type === 'view' && event.resource !== null) viewed.add(event.resource);
  return {
    events_count: covers('event') ? facts.events.length : null,
    login_count: ofType(timed, 'login'),
    login_count_7d: ofType(week, 'login'),
    login_count_30d: ofType(month, 'login'),
    views_7d: ofType(week, 'view'),
    views_30d: ofType(month, 'view'),
    resources_viewed_count: covers('view') ? viewed.size : null,
    forum_posts_count: ofType(timed, 'forum_post'),
    forum_posts_30d: ofType(month, 'forum_post'),
    sessions_30d: covers('event')
      ? countSessions(
          month.map(({ event }) => event),
          settings.sessionGapMs,
        )
      : null,
  } satisfies Some;
}

function timeSpent({ timed, week, month, covers }: Context) {
  const source = covers('duration') ? 'recorded' : covers('view') ? 'estimated' : null;
  const seconds = (events: readonly TimedEvent[]): number | null => {
    if (source === null) return null;
    return Number(roundRatio(wholeSum(events.map((event) => event.milliseconds)), 1000n, 0));
  };
  return {
    total_time_spent: seconds(timed),
    time_spent_7d: seconds(week),
    time_spent_30d: seconds(month),
    time_source: source,
  } satisfies Some;
}

/** Inactivity is counted up to this number, so that the row of a student who left does not change every day for ever. */
const MAX_DAYS_INACTIVE = 90;

function days({ facts: { activeDays, lastActivityAt }, enrolment, asOf, covers }: Context) {
  const isCoveredAtAll = covers('event') || covers('completion_row');
  const ifCovered = <T>(value: T): T | null => (isCoveredAtAll ? value : null);
  const last = activeDays.at(-1);
  return {
    active_days_count: ifCovered(activeDays.length),
    active_days_7d: ifCovered(activeWithin(activeDays, asOf, 7)),
    active_days_30d: ifCovered(activeWithin(activeDays, asOf, 30)),
    login_frequency: ifCovered(roundRatio(BigInt(activeWithin(activeDays, asOf, 28)), 4n, 2)),
    last_activity_at: lastActivityAt,
    days_inactive: last === undefined ? null : Math.min(asOf - last, MAX_DAYS_INACTIVE),
    current_streak_days: ifCovered(currentStreak(activeDays, asOf)),
    longest_streak_days: ifCovered(longestStreak(activeDays)),
    longest_gap_days: ifCovered(longestGap(activeDays)),
    absence_days_last_30: ifCovered(absenceDays(activeDays, enrolment.day, asOf)),
  } satisfies Some;
}

const percentage = (part: number, whole: number): string => roundRatio(100n * BigInt(part), BigInt(whole), 2);

function work({ facts: { completions, events }, covers }: Context) {
  const { done, total } = completions;
  // A course that never says "not done" would show everyone at 100 %.
  const showsTotal = covers('completion_row') && covers('not_done');
  const { resources, withDueDate, late } = submissionsOf(events);
  const showsLate = covers('submission') && withDueDate > 0;
  return {
    activities_completed: covers('completion_row') ? done : null,
    activities_total: showsTotal ? total : null,
    assignment_completion_rate: showsTotal && total > 0 ? percentage(done, total) : null,
    submissions_count: covers('submission') ? resources : null,
    late_submissions: showsLate ? late : null,
    punctuality_score: showsLate ? percentage(withDueDate - late, withDueDate) : null,
  } satisfies Some;
}

function scores({ week, asOf, settings }: Context, coverage: FirstDays, means: EngagementMeans) {
  const { engagementWeights: weights, engagementTargets: targets } = settings;
  const amounts = amountsOf(week, coveredComponents(coverage, asOf));
  return {
    engagement_score: scoreText(engagementScore(amounts, weights, targets, 7)),
    engagement_components: showComponents(amounts, weights, targets),
    engagement_ma7: scoreText(means.ma7),
    engagement_ma30: scoreText(means.ma30),
    engagement_trend: trendText(means.trend),
  } satisfies Some;
}

function rhythm({ facts: { events }, month }: Context) {
  const hours = daysByHour(events);
  const weekdays = daysByWeekday(events);
  return {
    activity_pattern: activityPattern(month.map(({ event }) => event)),
    regularity_hour: peakRegularity(hours),
    regularity_weekday: peakRegularity(weekdays),
    periodicity_day: periodicity(hours),
    periodicity_week: periodicity(weekdays),
    week_similarity: weekSimilarity(events),
  } satisfies Some;
}
