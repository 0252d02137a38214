import { ACTIVITY_RULES } from '#libs/aggregate/completions.ts';
import {
  ENROLMENT_RULES,
  type EngagementFacts,
  type EngagementRows,
  engagementEvidence,
  engagementFacts,
  enrolmentBy,
} from '#libs/aggregate/engagement.ts';
import { readActivity } from '#libs/clean/activity-logs.ts';
import { readEnrollment } from '#libs/clean/enrollments.ts';
import { factsOfActivity } from '#libs/derive/attention/class-digest.ts';
import type { HandedIn } from '#libs/derive/attention/member.ts';
import { type EngagementFeatures, engagementFeatures } from '#libs/derive/engagement.ts';
import { earlierDay, type LocalDay } from '#libs/domain/local-date.ts';
import { ENGAGEMENT } from '#libs/features/engagement.ts';
import { openFeatureTable } from '#libs/store/features/feature-table.ts';
import { openSeriesTable } from '#libs/store/features/series-table.ts';
import { openRowTable } from '#libs/store/images/row-table.ts';
import type { DeriveContext, FamilyDefinition } from './family.ts';

const SERIES = {
  score: 'integer[]',
  ma7: 'integer[]',
  ma30: 'integer[]',
  trend: 'integer[]',
  events: 'integer[]',
  active: 'integer[]',
  handed_in: 'jsonb',
} as const;

const ENROLLMENTS = openRowTable({
  table: 'enrollments',
  read: readEnrollment,
  rules: ENROLMENT_RULES,
  follows: () => true,
  revive: (row) => row,
});
const ACTIVITIES = openRowTable({
  table: 'activity_logs',
  read: readActivity,
  rules: ACTIVITY_RULES,
  follows: ({ kind }) => kind === 'completion',
  revive: (row) => row,
});

/** What a student does in a course: from activity_logs and enrollments. */
export const engagementFamily: FamilyDefinition<{
  rows: EngagementRows;
  facts: EngagementFacts;
  features: EngagementFeatures;
  series: typeof SERIES;
}> = {
  family: 'engagement',
  table: openFeatureTable('engagement', ENGAGEMENT),
  series: openSeriesTable('engagement', SERIES),
  noRows: { enrollments: [], activities: [] },
  firstDayAlsoFrom: 'performance',
  storedFor: 'anomaly',
  read: async (tx, keys, settings) => {
    const [enrollments, activities] = await Promise.all([
      ENROLLMENTS.read(tx, keys, settings),
      ACTIVITIES.read(tx, keys, settings),
    ]);
    return enrollments.map((enrolled, index) => {
      const done = activities[index];
      const rows = { enrollments: enrolled.rows(), activities: done?.rows() ?? [] };
      return { rows, tables: done === undefined ? [enrolled] : [enrolled, done] };
    });
  },
  facts: (rows, day) => engagementFacts(rows.activities, day),
  evidence: (rows, facts, today) => engagementEvidence(rows, today, facts),
  derive: (rows, facts, context, settings) => {
    const { today, asOf, coverage } = context;
    const enrolment = enrolmentBy(rows.enrollments, today);
    const firstDay = keyFirstDay(earlierDay(enrolment.day, facts.activeDays[0] ?? null), context);
    const result = engagementFeatures({ enrolment, facts, coverage, asOf, firstDay }, settings);
    return result && { ...result, ofClass: result.series === null ? [] : factsOfActivity(result.series) };
  },
  stored: (derived, asOf) => {
    if (derived === null) return { engagement: null };
    const { features, series } = derived;
    const handedIn = (series?.handed_in ?? []) as readonly HandedIn[];
    const days = series && { ...series, first: series.firstDay, handedIn };
    return { engagement: { asOf, enrolledAt: features.enrolled_at, days } };
  },
};

/** The earlier of both families' first days, but not before the course's first fact; null in a course without facts. */
function keyFirstDay(own: LocalDay | null, { otherFirstDay, courseFirstFact }: DeriveContext): LocalDay | null {
  const earliest = earlierDay(own, otherFirstDay);
  return earliest === null || courseFirstFact === null ? null : Math.max(earliest, courseFirstFact);
}
