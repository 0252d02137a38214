import { COVERAGE_KINDS, type CoverageKind, type FirstDays, FirstDaysBuilder } from '#libs/aggregate/coverage.ts';
import { engagementFacts, enrolmentBy } from '#libs/aggregate/engagement.ts';
import { gradeFacts } from '#libs/aggregate/grades.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { type EngagementFeatures, type EngagementResult, engagementFeatures } from '#libs/derive/engagement.ts';
import { type PerformanceFeatures, performanceFeatures } from '#libs/derive/performance.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import { type ComponentNumbers, SETTING_DECIMALS } from '#libs/domain/components.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { parseScaled } from '#libs/domain/rational.ts';
import { day, enrolment } from '../aggregate/build.ts';

/** A Friday. */
export const AS_OF = day('2026-03-20');

/** A time on the day this many days before the as-of day. */
export const ago = (days: number, time = '12:00'): string => `${formatDay(AS_OF - days)}T${time}`;

/** A setting in its internal form. @throws Error if the text is not a number */
export function exactly(text: string): bigint {
  const number = parseScaled(text, SETTING_DECIMALS);
  if (number === undefined) throw new Error(`not a number: ${text}`);
  return number;
}

/** Four settings in order: logins, time, forum posts, resources. */
export function four(text: string): ComponentNumbers {
  const [logins = 0n, time = 0n, forum_posts = 0n, resources = 0n] = text.split(' ').map(exactly);
  return { logins, time, forum_posts, resources };
}

/** The product's defaults, except for what a test changes. */
export const deriving = (special: Partial<DerivingSettings> = {}): DerivingSettings => ({
  sessionGapMs: 1_800_000,
  engagementWeights: four('0.3 0.3 0.2 0.2'),
  engagementTargets: four('5 3600 2 10'),
  zeroGrades: 'ungraded',
  passMark: exactly('50'),
  outlierThreshold: exactly('3'),
  openPoints: 3,
  closePoints: 2,
  expectedShare: 75,
  leastClass: 8,
  ...special,
});

export const covering = (...kinds: readonly CoverageKind[]): FirstDays => coveringFrom(AS_OF - 1000, ...kinds);

export function coveringFrom(first: LocalDay, ...kinds: readonly CoverageKind[]): FirstDays {
  const days = new FirstDaysBuilder();
  for (const kind of kinds) days.see(kind, first);
  return days.build();
}

export const EVERYTHING = covering(...COVERAGE_KINDS);

interface Situation {
  readonly enrolled?: readonly (string | null)[];
  readonly coverage?: FirstDays;
  readonly asOf?: LocalDay;
  readonly firstDay?: LocalDay | null;
  readonly settings?: Partial<DerivingSettings>;
}

/** By default a student in a course that covers everything, as of 20 March, without a first day. */
export function engagementOf(
  activities: readonly ActivityObservation[],
  { enrolled = [], coverage = EVERYTHING, asOf = AS_OF, firstDay = null, settings = {} }: Situation = {},
): EngagementResult | null {
  const facts = engagementFacts(activities, asOf);
  const since = enrolmentBy(enrolled.map(enrolment), AS_OF);
  return engagementFeatures({ enrolment: since, facts, coverage, asOf, firstDay }, deriving(settings));
}

/** The features. @throws Error if there is no row */
export function engaged(...args: Parameters<typeof engagementOf>): EngagementFeatures {
  const result = engagementOf(...args);
  if (result === null) throw new Error('the key has no row');
  return result.features;
}

export const performanceOf = (
  grades: readonly GradeObservation[],
  settings: Partial<DerivingSettings> = {},
): PerformanceFeatures | null => performanceFeatures(gradeFacts(grades, AS_OF), AS_OF, deriving(settings));
