import { GRADE_RULES, type GradeFact, gradeEvidence, gradeFacts } from '#libs/aggregate/grades.ts';
import { type GradeObservation, readGrade } from '#libs/clean/grades.ts';
import { type GradeChange, gradeChanges } from '#libs/derive/anomaly/graded.ts';
import { factsOfGrades } from '#libs/derive/attention/class-digest.ts';
import { type PerformanceFeatures, performanceFeatures } from '#libs/derive/performance.ts';
import { performanceSeries } from '#libs/derive/performance-series.ts';
import { PERFORMANCE } from '#libs/features/performance.ts';
import { openFeatureTable } from '#libs/store/features/feature-table.ts';
import { openSeriesTable } from '#libs/store/features/series-table.ts';
import { openRowTable } from '#libs/store/images/row-table.ts';
import type { FamilyDefinition } from './family.ts';

const SERIES = { ma7: 'integer[]', ma30: 'integer[]', graded: 'jsonb' } as const;

const GRADES = openRowTable({
  table: 'grades',
  read: readGrade,
  rules: GRADE_RULES,
  follows: () => true,
  revive: (grade) => ({
    ...grade,
    value: grade.value === null ? null : BigInt(grade.value),
    max: BigInt(grade.max),
  }),
});

/** How a student does in a course: from grades. */
export const performanceFamily: FamilyDefinition<{
  rows: readonly GradeObservation[];
  facts: readonly GradeFact[];
  features: PerformanceFeatures;
  series: typeof SERIES;
}> = {
  family: 'performance',
  table: openFeatureTable('performance', PERFORMANCE),
  series: openSeriesTable('performance', SERIES),
  noRows: [],
  firstDayMattersTo: 'engagement',
  storedFor: 'anomaly',
  read: async (tx, keys, settings) =>
    (await GRADES.read(tx, keys, settings)).map((grades) => ({ rows: grades.rows(), tables: [grades] })),
  facts: gradeFacts,
  evidence: (grades, _, today) => gradeEvidence(grades, today),
  derive: (grades, facts, { asOf }, settings) => {
    const features = performanceFeatures(facts, asOf, settings);
    if (features === null) return null;
    const firstDay = grades.reduce((first, grade) => Math.min(first, grade.day), asOf);
    const series = performanceSeries(grades, firstDay, asOf, settings);
    const graded = gradeChanges(grades, asOf, settings);
    return { features, series: { ...series, graded }, ofClass: factsOfGrades(graded) };
  },
  stored: (derived, asOf) => {
    const series = derived?.series ?? null;
    const graded = (series?.graded ?? []) as readonly GradeChange[];
    return { performance: series && { asOf, first: series.firstDay, graded } };
  },
};
