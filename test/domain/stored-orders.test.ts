import { expect, test } from 'vitest';
import { COVERAGE_KINDS } from '#libs/aggregate/coverage.ts';
import { STORED_FLAGS } from '#libs/domain/flags.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';

/*
 * Lists in which the position is stored, or used as a lock by another process. Sorting one, or inserting into it, changes
 * the meaning of existing databases: a new name goes to the end of the list, and of its copy here.
 */
const ORDERS = {
  'STORED_FLAGS, the bits of anomaly_series.flags': [
    STORED_FLAGS,
    [
      'engagement_drop',
      'engagement_shift',
      'engagement_spike',
      'grade_drop',
      'grade_outlier',
      'grade_spike',
      'inactivity',
      'sustained_low',
      'attention',
      'absent',
      'missing_work',
      'low_marks',
    ],
  ],
  'COVERAGE_KINDS, the arrays of first days in state.key and state.course': [
    COVERAGE_KINDS,
    ['login', 'view', 'forum_post', 'submission', 'completion_row', 'event', 'duration', 'not_done', 'course_event'],
  ],
  'SOURCE_TABLES, the advisory locks on tables': [
    SOURCE_TABLES,
    ['students', 'courses', 'enrollments', 'grades', 'activity_logs'],
  ],
} as const satisfies Record<string, readonly [now: readonly string[], then: readonly string[]]>;

test.each(Object.entries(ORDERS))('%s: nothing has moved', (_, [now, then]) => {
  expect(now.slice(0, then.length), 'append only: a database that is there already counts on the places').toEqual(then);
  expect(now.length, 'what was appended has its place for good: write it at the end here, too').toBe(then.length);
});
