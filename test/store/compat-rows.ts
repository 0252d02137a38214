import { parseDay } from '#libs/domain/local-date.ts';

/* The data behind compat in its tests: 26 students in 56 courses, each with something of its own. */

export const TODAY = parseDay('2026-03-20');
const [FIRST, LATER] = [parseDay('2026-01-10'), parseDay('2026-01-20')];
/** A student in forty one-day courses, one after another. */
export const MANY = { student: 14, from: 6, count: 40 };
/** First and last fact of the others; null: nothing has ever happened there. Stopped courses have their last facts a week ago. */
const OTHER_SPANS: Readonly<Record<number, readonly [first: number, last: number] | null>> = {
  1: [FIRST, TODAY - 7],
  46: [FIRST, FIRST + 3],
  47: [FIRST, FIRST + 5],
  48: [FIRST + 1, FIRST + 5],
  49: [LATER, TODAY],
  50: null,
  51: [LATER - 1, TODAY - 7],
  52: [FIRST, LATER],
  53: [FIRST, TODAY - 6],
  54: [FIRST, TODAY],
  55: [FIRST, TODAY - 30],
  56: [FIRST, TODAY - 7],
};
export const COURSES = 56;
const spanOf = (course: number): readonly [number, number] | null => {
  const other = OTHER_SPANS[course];
  if (other !== undefined) return other;
  return course < MANY.from ? [FIRST, TODAY] : [FIRST + course, FIRST + course];
};

/** Two students in each course: its first fact comes from one, its last from the other. */
export const KEYS = Array.from({ length: COURSES }, (_, n) => n + 1).flatMap((course_id) => {
  const [first, last] = spanOf(course_id) ?? [null, null];
  const key = { family: 'engagement', course_id, derived: true };
  return [
    { ...key, student_id: 1, first_fact: first, last_fact: first },
    { ...key, student_id: 2, first_fact: last, last_fact: last },
  ];
});

interface EngagementRow {
  readonly engagement_score: number | null;
  readonly login_frequency: number | null;
  readonly forum_posts_30d: number | null;
  readonly time_spent_30d: number | null;
  readonly absence_days_last_30: number | null;
  readonly engagement_ma30: number | null;
  readonly as_of_date: string;
}
const UNKNOWN: EngagementRow = {
  engagement_score: null,
  login_frequency: null,
  forum_posts_30d: null,
  time_spent_30d: null,
  absence_days_last_30: null,
  engagement_ma30: null,
  as_of_date: '2026-03-20',
};
const of = (student_id: number, course_id: number, known: Partial<EngagementRow> = {}) => ({
  student_id,
  course_id,
  ...UNKNOWN,
  ...known,
});
/** Score, frequency, posts, seconds, days absent. */
const measured = (student: number, course: number, ...values: readonly [number, number, number, number, number]) => {
  const [engagement_score, login_frequency, forum_posts_30d, time_spent_30d, absence_days_last_30] = values;
  return of(student, course, {
    engagement_score,
    login_frequency,
    forum_posts_30d,
    time_spent_30d,
    absence_days_last_30,
  });
};

export const ENGAGEMENT = [
  measured(1, 1, 10, 0, 0, 600, 3),
  measured(2, 1, 20.01, 1.25, 2, 1_200, 4),
  measured(3, 1, 20.02, 2.5, 4, 3_000, 9),
  measured(4, 1, 90, 7, 9, 100_000, 30),
  measured(6, 2, 55.5, 2, 7, 333, 1),
  measured(7, 3, 0, 0, 0, 0, 30),
  of(8, 4),
  measured(10, 5, 40, 1, 3, 0, 5),
  measured(11, 5, 40, 1, 3, 0, 5),
  measured(12, 5, 40, 1, 3, 0, 5),
  measured(13, 5, 40, 1, 0, 500, 5),
  ...Array.from({ length: MANY.count }, (_, n) => of(MANY.student, MANY.from + n, { engagement_ma30: n })),
  of(17, 53, { engagement_ma30: 70, as_of_date: '2026-03-10' }),
  of(17, 54, { engagement_ma30: 33.33 }),
  of(17, 55, { engagement_ma30: 99 }),
  of(18, 53, { engagement_ma30: 40 }),
  of(18, 54),
  of(19, 51, { engagement_ma30: 10 }),
  of(19, 56, { engagement_ma30: 20.01 }),
  of(19, 55, { engagement_ma30: 30 }),
  of(20, 54),
  of(20, 55, { engagement_ma30: 44.44, as_of_date: '2026-02-24' }),
  of(21, 53),
  of(21, 54),
  of(21, 55),
  of(24, 50),
  of(25, 55),
  of(25, 51),
];

const graded = (
  student_id: number,
  course_id: number,
  module_grade: number | null,
  success_rate: number | null = null,
) => ({
  student_id,
  course_id,
  module_grade,
  success_rate,
  passed: module_grade === null ? null : module_grade >= 50,
  as_of_date: '2026-03-19',
});
export const PERFORMANCE = [
  graded(1, 1, 80, 33.33),
  graded(5, 1, 49.99, 66.68),
  graded(9, 4, null),
  ...Array.from({ length: MANY.count }, (_, n) => graded(MANY.student, MANY.from + n, n % 2 === 0 ? 2.5 * n : null)),
  graded(15, 46, 60),
  graded(15, 47, null),
  graded(15, 48, 40),
  graded(15, 49, 80),
  graded(15, 50, 10),
  graded(16, 46, 70),
  graded(16, 49, null),
  graded(16, 51, 90),
  graded(16, 52, 95),
  graded(23, 46, 30),
  graded(23, 47, null),
  graded(23, 49, null),
  graded(22, 53, 20),
  graded(26, 50, 55),
];
