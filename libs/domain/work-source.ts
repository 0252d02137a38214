/** Where a course's work is seen: hand-ins, else grades, else completions. The order is that of preference. */
export const WORK_SOURCES = ['submission', 'grade', 'completion'] as const;
export type WorkSource = (typeof WORK_SOURCES)[number];
