/** Features that are derived together, by the same role: the first two from rows, the third from what these store. */
export const FAMILIES = ['engagement', 'performance', 'anomaly'] as const;
export type Family = (typeof FAMILIES)[number];

/** One student in one course, by our integer ids. */
export interface StudentCourse {
  readonly courseId: number;
  readonly studentId: number;
}

export const perFamily = <V>(make: (family: Family) => V): Record<Family, V> =>
  Object.fromEntries(FAMILIES.map((family) => [family, make(family)])) as Record<Family, V>;
