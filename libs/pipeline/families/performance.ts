import { gradeEvidence, gradeFacts, nextGradeDay } from '#libs/aggregate/grades.ts';
import { type GradeObservation, readGrade } from '#libs/clean/grades.ts';
import { PERFORMANCE_COLUMNS, type PerformanceFeatures, performanceFeatures } from '#libs/derive/performance.ts';
import { openFeatureTable } from '#libs/store/feature-table.ts';
import { readObservations } from '#libs/store/rows.ts';
import type { FamilyDefinition } from './family.ts';

/** How a student does in a course: from grades. */
export const performanceFamily: FamilyDefinition<readonly GradeObservation[], PerformanceFeatures> = {
  family: 'performance',
  table: openFeatureTable('performance', PERFORMANCE_COLUMNS),
  read: (tx, keys, settings) => readObservations(tx, 'grades', keys, (image) => readGrade(image, settings)),
  evidence: gradeEvidence,
  nextDay: nextGradeDay,
  features: (grades, { asOf }, settings) => performanceFeatures(gradeFacts(grades, asOf), settings),
};
