import fc from 'fast-check';
import type { SourceRow } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';

/** The day on which every generated history begins its "today". */
export const FIRST_TODAY = 20_532; // 2026-03-20

export const STUDENTS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
export const COURSES = [1, 2].map((n) => `00000000-0000-4000-8000-0000000000c${n}`);

/** Usually valid, now and then null: a row that belongs to nobody. */
const mostly = <T>(common: readonly T[], rare: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...common) }, { weight: 1, arbitrary: fc.constantFrom(...rare) });

const keyColumns = {
  student_id: mostly<string | null>(STUDENTS, [null]),
  course_id: mostly<string | null>(COURSES, [null]),
};

/** Times of day that collide: ties, gaps of exactly one session, the edges of a day, milliseconds. */
const MINUTE = 60_000;
const TIMES = [
  0,
  1,
  10 * MINUTE,
  10 * MINUTE + 500,
  30 * MINUTE,
  40 * MINUTE,
  40 * MINUTE + 1,
  720 * MINUTE,
  MS_PER_DAY - 1,
];

const time: fc.Arbitrary<number | null> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(fc.oneof(fc.integer({ min: -9, max: 1 }), fc.integer({ min: -45, max: 3 })), fc.constantFrom(...TIMES))
      .map(([day, ms]) => (FIRST_TODAY + day) * MS_PER_DAY + ms),
  },
  { weight: 1, arbitrary: fc.constantFrom(null, 0, Date.UTC(1999, 11, 31, 23), Date.UTC(2200, 0, 1)) },
);

const WORDS = [
  'login',
  'last_access',
  'LAST_ACCESS',
  'view',
  ' Viewed ',
  'forum_post',
  'submission',
  'completion',
  'quiz',
  'badge',
  '',
];
const METADATA = [
  null,
  null,
  null,
  '{"event_id": "a"}',
  '{"event_id": 9007199254740993}',
  '{"event_id": 9007199254740992}',
  '{"event_id": " "}',
  '{"clicks": 3}',
  '[]',
];
/** Due dates as connectors write them, readable and not. */
const DUE = [
  '{"due_at": "2026-03-10"}',
  '{"due_at": "2026-03-15T12:00"}',
  '{"due_at": "2026-03-18 00:10:00.5+02"}',
  '{"due_at": "2026-03-08T02:30:00"}',
  '{"due_at": 1773900000}',
  '{"due_at": "1773900000", "event_id": "a"}',
  '{"due_at": 1773900000.0009}',
  '{"due_at": 0}',
  '{"due_at": "soon"}',
  '{"due_at": "2026-02-30"}',
  '{"due_at": " 2026-03-19T23:59:59Z "}',
];
const STATES = [
  '{"state": 0}',
  '{"state": 1}',
  '{"state": 2}',
  '{"state": "3"}',
  '{"state": 0, "x": 1}',
  '{"state": 1.0}',
  '{"state": 4}',
  '{}',
];

const event: fc.Arbitrary<SourceRow<'activity_logs'>> = fc.record({
  ...keyColumns,
  activity_type: fc.constantFrom(...WORDS),
  resource_id: mostly<string | null>([null, 'r1', 'r2', 'R1', '  '], ['r\uFFFF']),
  duration_seconds: mostly<string | null>([null, null, null, '0', '60', '600'], ['-5']),
  timestamp: time,
  metadata: fc.constantFrom(...METADATA),
});

const submission: fc.Arbitrary<SourceRow<'activity_logs'>> = fc.record({
  ...keyColumns,
  activity_type: fc.constantFrom('submission', 'submit'),
  resource_id: mostly<string | null>(['r1', 'r2'], [null]),
  duration_seconds: fc.constant(null),
  timestamp: time,
  metadata: fc.constantFrom(null, ...DUE),
});

const completion: fc.Arbitrary<SourceRow<'activity_logs'>> = fc.record({
  ...keyColumns,
  // By their names the last two types are not copies; yet they follow the others, one of them as a known alias.
  activity_type: fc.constantFrom('completion', 'course_module_completion', 'Completion', 'finished'),
  resource_id: mostly<string | null>(['r1', 'r2'], [null]),
  duration_seconds: fc.constant(null),
  timestamp: time,
  metadata: mostly<string | null>(STATES, [null]),
});

const GRADE_VALUES = ['0', '0.000001', '12.5', '50', '49.999995', '75', '100', '120', '33.33333'];

const grade: fc.Arbitrary<SourceRow<'grades'>> = fc.record({
  ...keyColumns,
  grade_item: mostly<string | null>(
    ['Essay', 'Essay ', 'Quiz', 'Zürich', 'course', 'Category'],
    [null, ' ', 'Quiz\uFFFF'],
  ),
  grade_value: mostly<string | null>([null, ...GRADE_VALUES], ['NaN', '-1', 'Infinity']),
  grade_max: mostly<string | null>(['100', '75', '3'], [null, '0', 'NaN', '0.000001']),
  timestamp: time,
});

const enrollment: fc.Arbitrary<SourceRow<'enrollments'>> = fc.record({ ...keyColumns, enrolled_at: time });

export type WrittenRow =
  | { readonly table: 'activity_logs'; readonly row: SourceRow<'activity_logs'> }
  | { readonly table: 'grades'; readonly row: SourceRow<'grades'> }
  | { readonly table: 'enrollments'; readonly row: SourceRow<'enrollments'> };

/** Weeks in which a student comes every few days, and then stops, or comes more often: what is unusual only shows against what is usual. */
const presence: fc.Arbitrary<WrittenRow[]> = fc
  .record({
    student_id: fc.constantFrom(...STUDENTS),
    course_id: fc.constantFrom(...COURSES),
    from: fc.integer({ min: -75, max: -20 }),
    days: fc.integer({ min: 10, max: 70 }),
    every: fc.integer({ min: 1, max: 5 }),
    types: fc.array(fc.constantFrom('login', 'view', 'forum_post', 'submission'), { minLength: 1, maxLength: 3 }),
  })
  .map(({ from, days, every, types, ...key }) =>
    Array.from({ length: Math.floor((Math.min(days, -from) - 1) / every) + 1 }, (_, n): WrittenRow => {
      const row = {
        ...key,
        activity_type: types[n % types.length] ?? 'login',
        resource_id: null,
        duration_seconds: null,
        timestamp: (FIRST_TODAY + from + n * every) * MS_PER_DAY + 600 * MINUTE,
        metadata: null,
      };
      return { table: 'activity_logs', row };
    }),
  );

/** One item after another, around one level, and now and then far from it; the grade of one may be changed afterwards. */
const marks: fc.Arbitrary<WrittenRow[]> = fc
  .record({
    student_id: fc.constantFrom(...STUDENTS),
    course_id: fc.constantFrom(...COURSES),
    from: fc.integer({ min: -50, max: -5 }),
    values: fc.array(fc.constantFrom('70', '70', '72', '75.5', '80', '12.5', '100', '0'), {
      minLength: 4,
      maxLength: 8,
    }),
    grade_max: fc.constantFrom('100', '90', '110'),
    changed: fc.option(
      fc.record({ lab: fc.constantFrom(0, 0, 2), grade_value: fc.constantFrom('20', '45', '60', '90') }),
    ),
  })
  .map(({ from, values, changed, ...columns }) => {
    const graded = values.map((grade_value, lab) => ({ lab, grade_value }));
    return [...graded, ...(changed === null ? [] : [changed])].map(({ lab, grade_value }, n): WrittenRow => {
      const timestamp = (FIRST_TODAY + Math.min(0, from + 4 * n)) * MS_PER_DAY + 700 * MINUTE;
      return { table: 'grades', row: { ...columns, grade_item: `Lab ${lab}`, grade_value, timestamp } };
    });
  });

const CLASSMATES = Array.from({ length: 9 }, (_, n) => `00000000-0000-4000-8000-0000000000a${n}`);

/** Weeks of nine other students who come on most days, and hand in and are graded in the same things at about the same time. */
const classmates: fc.Arbitrary<WrittenRow[]> = fc
  .record({
    course_id: fc.constantFrom(...COURSES),
    from: fc.integer({ min: -75, max: -25 }),
    every: fc.integer({ min: 3, max: 9 }),
    type: fc.constantFrom('submission', 'quiz', 'completion'),
    value: fc.constantFrom('50', '90', '66.66'),
  })
  .map(({ course_id, from, every, type, value }) =>
    CLASSMATES.flatMap((student_id, mate) => {
      const log = (day: number, activity_type: string, resource_id: string | null, state: number): WrittenRow => {
        const timestamp = (FIRST_TODAY + Math.min(0, day)) * MS_PER_DAY + mate * MINUTE;
        const metadata = activity_type === 'completion' ? JSON.stringify({ state }) : null;
        const row = { student_id, course_id, activity_type, resource_id, duration_seconds: null, timestamp, metadata };
        return { table: 'activity_logs', row };
      };
      const days = Array.from({ length: Math.floor(-from / every) + 1 }, (_, n) => from + n * every);
      const work = ['r1', 'r2'].flatMap((resource, n) => [
        log(from + 8 + n, type, resource, 0),
        log(from + 9 + 8 * n + (mate % 4), type, resource, 1),
      ]);
      const timestamp = (FIRST_TODAY + from + 12 + mate) * MS_PER_DAY;
      const grade_value = String(Number(value) - mate);
      const graded = ['Lab 1', 'Quiz'].map(
        (grade_item): WrittenRow => ({
          table: 'grades',
          row: { student_id, course_id, grade_item, grade_value, grade_max: '100', timestamp },
        }),
      );
      return [...days.map((day) => log(day, 'login', null, 0)), ...work, ...graded];
    }),
  );

/** Rows that open flags. */
export const habit: fc.Arbitrary<WrittenRow[]> = fc.oneof(
  { weight: 2, arbitrary: presence },
  { weight: 1, arbitrary: classmates },
  { weight: 1, arbitrary: marks },
);

export const writtenRow: fc.Arbitrary<WrittenRow> = fc.oneof(
  { weight: 5, arbitrary: event.map((row) => ({ table: 'activity_logs' as const, row })) },
  { weight: 2, arbitrary: submission.map((row) => ({ table: 'activity_logs' as const, row })) },
  { weight: 3, arbitrary: completion.map((row) => ({ table: 'activity_logs' as const, row })) },
  { weight: 4, arbitrary: grade.map((row) => ({ table: 'grades' as const, row })) },
  { weight: 2, arbitrary: enrollment.map((row) => ({ table: 'enrollments' as const, row })) },
);
