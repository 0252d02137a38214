import type { Definitions } from './definition.ts';

const flag = { unit: 'flag', nullWhen: 'it is not open, or is named in unsupported' } as const;
const engagement = { ...flag, from: 'activity_logs: login, view, forum_post, and the time of all events' } as const;
const grades = { ...flag, exactness: 'exact', from: 'grades, but the items course and category' } as const;
const attention = {
  unit: 'reason flag',
  nullWhen: 'it is not open, or is named in unsupported',
  exactness: 'exact',
  from: 'all that absent, missing_work and low_marks are made of',
} as const;
const limit = 'by max(OUTLIER_THRESHOLD·σ, 10 points) or more, σ from the median absolute deviation (modified_z)';

/**
 * What stands out. First, what a student does compared with the class: one alarm and its reasons. Then what is unusual
 * compared with the student's own past, which is no alarm. A flag has `{since, value, baseline, threshold, method, severity}`
 * and sometimes more; the three numbers have the same unit.
 */
export const ANOMALY = {
  attention: {
    ...attention,
    unit: 'attention flag',
    window: 'ever',
    formula:
      'The points of absent, missing_work and low_marks, 0 to 8, reached ATTENTION_OPEN_POINTS and have not fallen below ATTENTION_CLOSE_POINTS since: a teacher should talk to this student (points).',
  },
  absent: {
    ...attention,
    window: '28 days',
    formula:
      'No active day in 28 days (3 points), or of 21 days at most a quarter (2 points) or a half (1 point) as many active ones as is usual among those who attend (class_days).',
    from: 'activity_logs of the class: events, completions reached',
  },
  missing_work: {
    ...attention,
    window: 'ever',
    formula:
      'Of the work that ATTENTION_EXPECTED_SHARE percent of those who attend have done, the student owes half (2 points) or a quarter (1 point) of the last 28 days, and half of all before (1 point); done is handed in where the course records that, else graded, else completed (class_work).',
    from: 'activity_logs of the class: submissions and quiz attempts, else grades, else completions',
  },
  low_marks: {
    ...attention,
    window: 'ever',
    formula:
      'The grades are on average 20 points (2 points) or 10 points (1 point) below the median of the class in the same items (class_grades).',
    from: 'grades of the class, but the items course and category',
  },
  engagement_drop: {
    ...engagement,
    exactness: 'exact',
    window: '35 days',
    formula: `engagement_ma7 is below the median of its values of 7 to 34 days before ${limit}.`,
  },
  engagement_spike: {
    ...engagement,
    exactness: 'exact',
    window: '35 days',
    formula: `engagement_ma7 is above the median of its values of 7 to 34 days before ${limit}.`,
  },
  inactivity: {
    ...flag,
    exactness: 'exact',
    window: 'ever',
    formula:
      'Days since the last active day are 60 at most and more than max(7, 3 × the median difference between active days), or than 14 under three active days (own_gap).',
    from: 'activity_logs: events, completions reached; enrollments',
  },
  grade_drop: {
    ...grades,
    window: 'ever',
    formula: `The item graded last, in the last 30 days, is below the median of all before it ${limit}.`,
  },
  grade_spike: {
    ...grades,
    window: 'ever',
    formula: `The item graded last, in the last 30 days, is above the median of all before it ${limit}.`,
  },
  grade_outlier: {
    ...grades,
    window: 'ever',
    formula:
      'Of the items graded in the last 30 days the farthest that lies beyond the quartiles of all by more than max(1.5 × their distance, 10 points) (tukey).',
  },
  unsupported: {
    exactness: 'exact',
    unit: 'sorted names of flags',
    window: 'ever',
    formula: 'Flags for which there are too few data: not known to be closed.',
    from: 'all that the flags are made of',
  },
} as const satisfies Definitions;
