import {
  type EngagementRows,
  engagementEvidence,
  engagementFacts,
  enrolmentBy,
  nextEngagementDay,
} from '#libs/aggregate/engagement.ts';
import { readActivity } from '#libs/clean/activity-logs.ts';
import { readEnrollment } from '#libs/clean/enrollments.ts';
import { ENGAGEMENT_COLUMNS, type EngagementFeatures, engagementFeatures } from '#libs/derive/engagement.ts';
import { openFeatureTable } from '#libs/store/feature-table.ts';
import { readObservations } from '#libs/store/rows.ts';
import type { FamilyDefinition } from './family.ts';

/** What a student does in a course: from activity_logs and enrollments. */
export const engagementFamily: FamilyDefinition<EngagementRows, EngagementFeatures> = {
  family: 'engagement',
  table: openFeatureTable('engagement', ENGAGEMENT_COLUMNS),
  read: async (tx, keys, settings) => {
    const enrollments = await readObservations(tx, 'enrollments', keys, (image) => readEnrollment(image, settings));
    const activities = await readObservations(tx, 'activity_logs', keys, (image) => readActivity(image, settings));
    return keys.map((_, index) => ({ enrollments: enrollments[index] ?? [], activities: activities[index] ?? [] }));
  },
  evidence: ({ activities }, today) => engagementEvidence(activities, today),
  nextDay: nextEngagementDay,
  features: ({ enrollments, activities }, { today, asOf, coverage }, settings) =>
    engagementFeatures(
      { enrolment: enrolmentBy(enrollments, today), facts: engagementFacts(activities, asOf), coverage, asOf },
      settings,
    ),
};
