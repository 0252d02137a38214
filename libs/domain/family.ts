import type { SourceTable } from './change.ts';

/** Features that are derived together, by the same role: two from rows, the third from what these two store. */
export const FAMILIES = ['engagement', 'performance', 'anomaly'] as const;
export type Family = (typeof FAMILIES)[number];

/** The family that a row of each table is evidence for; students and courses give identity only. */
export const FAMILY_OF_TABLE: Readonly<Record<SourceTable, Family | null>> = {
  students: null,
  courses: null,
  enrollments: 'engagement',
  activity_logs: 'engagement',
  grades: 'performance',
};

/** The families that rows of the source are evidence for; the others follow from what these store. */
export const ROW_FAMILIES: readonly Family[] = FAMILIES.filter((family) =>
  Object.values(FAMILY_OF_TABLE).includes(family),
);

/** One student in one course, by our integers. */
export interface StudentCourse {
  readonly courseId: number;
  readonly studentId: number;
}

export const perFamily = <V>(make: (family: Family) => V): Record<Family, V> =>
  Object.fromEntries(FAMILIES.map((family) => [family, make(family)])) as Record<Family, V>;
