import { type CoverageKind, type FirstDays, isCovered } from '#libs/aggregate/coverage.ts';
import type { EngagementFacts, Enrolment, Event } from '#libs/aggregate/engagement.ts';
import { creditedTimes } from '#libs/aggregate/time.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import type { FeatureColumns } from './columns.ts';
import { type ComponentAmounts, type ComponentsShown, engagementScore, showComponents } from './engagement-score.ts';
import type { DerivingSettings } from './settings.ts';

/** The columns of `engagement_features`, but its key and stamps. Decimals are text, exact. */
export interface EngagementFeatures {
  readonly enrolled_at: Instant | null;
  readonly events_count: number | null;
  readonly active_days_count: number | null;
  readonly login_count: number | null;
  readonly login_count_7d: number | null;
  readonly active_days_7d: number | null;
  readonly active_days_30d: number | null;
  readonly last_activity_at: Instant | null;
  readonly days_inactive: number | null;
  readonly engagement_score: string | null;
  readonly engagement_components: ComponentsShown;
}

export const ENGAGEMENT_COLUMNS: FeatureColumns<EngagementFeatures> = {
  enrolled_at: 'timestamptz',
  events_count: 'integer',
  active_days_count: 'integer',
  login_count: 'integer',
  login_count_7d: 'integer',
  active_days_7d: 'integer',
  active_days_30d: 'integer',
  last_activity_at: 'timestamptz',
  days_inactive: 'integer',
  engagement_score: 'numeric',
  engagement_components: 'jsonb',
};

export interface EngagementInput {
  readonly enrolment: Enrolment;
  readonly facts: EngagementFacts;
  readonly coverage: FirstDays;
  readonly asOf: LocalDay;
}

/** Inactivity is counted up to here and stays there, so that a student who left does not change every day for ever. */
const MAX_DAYS_INACTIVE = 90;

/** The features as of a day, or null where the key has no row: no enrolment and no accepted activity row. */
export function engagementFeatures(input: EngagementInput, settings: DerivingSettings): EngagementFeatures | null {
  const { enrolment, facts, coverage, asOf } = input;
  if (!enrolment.enrolled && !facts.hasActivityRows) return null;
  const covers = (kind: CoverageKind): boolean => isCovered(coverage, kind, asOf);
  const ifCovered = (kind: CoverageKind, count: number): number | null => (covers(kind) ? count : null);
  const coversActivity = covers('event') || covers('completion_row');
  const activeSince = (days: number): number | null =>
    coversActivity ? facts.activeDays.filter((day) => day > asOf - days).length : null;
  const lastWeek = facts.events.filter((event) => event.day > asOf - 7);
  const lastActiveDay = facts.activeDays.at(-1);
  const amounts = weekAmounts(facts, covers, asOf, settings);
  return {
    enrolled_at: enrolment.at,
    events_count: ifCovered('event', facts.events.length),
    active_days_count: coversActivity ? facts.activeDays.length : null,
    login_count: ifCovered('login', countOf(facts.events, 'login')),
    login_count_7d: ifCovered('login', countOf(lastWeek, 'login')),
    active_days_7d: activeSince(7),
    active_days_30d: activeSince(30),
    last_activity_at: facts.lastActivityAt,
    days_inactive: lastActiveDay === undefined ? null : Math.min(asOf - lastActiveDay, MAX_DAYS_INACTIVE),
    engagement_score: engagementScore(amounts, settings.engagementWeights, settings.engagementTargets),
    engagement_components: showComponents(amounts, settings.engagementWeights, settings.engagementTargets),
  };
}

const countOf = (events: readonly Event[], type: Event['type']): number =>
  events.filter((event) => event.type === type).length;

/** What the seven days ending on `asOf` hold of each component of the score. */
function weekAmounts(
  facts: EngagementFacts,
  covers: (kind: CoverageKind) => boolean,
  asOf: LocalDay,
  settings: DerivingSettings,
): ComponentAmounts {
  const times = creditedTimes(facts.events, settings.sessionGapMs);
  const resources = new Set<string>();
  let logins = 0;
  let posts = 0;
  let milliseconds = 0;
  facts.events.forEach((event, index) => {
    if (event.day <= asOf - 7) return;
    milliseconds += times[index] ?? 0;
    if (event.type === 'login') logins += 1;
    if (event.type === 'forum_post') posts += 1;
    if (event.type === 'view' && event.resource !== null) resources.add(event.resource);
  });
  const thousandths = (count: number): bigint => BigInt(count) * 1000n;
  return {
    logins: covers('login') ? thousandths(logins) : null,
    time: covers('duration') || covers('view') ? BigInt(milliseconds) : null,
    forum_posts: covers('forum_post') ? thousandths(posts) : null,
    resources: covers('view') ? thousandths(resources.size) : null,
  };
}
