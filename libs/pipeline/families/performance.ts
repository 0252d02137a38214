import { type GradeFact, gradeEvidence, gradeFacts } from '#libs/aggregate/grades.ts';
import { type GradeObservation, readGrade } from '#libs/clean/grades.ts';
import { PERFORMANCE_COLUMNS, type PerformanceFeatures, performanceFeatures } from '#libs/derive/performance.ts';
import { performanceSeries } from '#libs/derive/performance-series.ts';
import { openFeatureTable } from '#libs/store/feature-table.ts';
import { readObservations } from '#libs/store/rows.ts';
import { openSeriesTable } from '#libs/store/series-table.ts';
import type { FamilyDefinition } from './family.ts';

/** How a student does in a course: from grades. */
export const performanceFamily: FamilyDefinition<
  readonly GradeObservation[],
  readonly GradeFact[],
  PerformanceFeatures,
  'ma7' | 'ma30'
> = {
  family: 'performance',
  table: openFeatureTable('performance', PERFORMANCE_COLUMNS),
  series: openSeriesTable('performance', ['ma7', 'ma30']),
  noRows: [],
  firstDayMattersTo: 'engagement',
  read: (tx, keys, settings) => readObservations(tx, 'grades', keys, (image) => readGrade(image, settings)),
  facts: gradeFacts,
  evidence: (grades, _, today) => gradeEvidence(grades, today),
  derive: (grades, facts, { asOf }, settings) => {
    const features = performanceFeatures(facts, asOf, settings);
    if (features === null) return null;
    const firstDay = Math.min(...grades.map((grade) => grade.day));
    return { features, series: performanceSeries(grades, firstDay, asOf, settings) };
  },
};
