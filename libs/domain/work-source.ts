/** What shows that a course's work was done: hand-ins, else grades, else completions; in order of preference. */
export const WORK_SOURCES = ['submission', 'grade', 'completion'] as const;
export type WorkSource = (typeof WORK_SOURCES)[number];
