import type { Definitions } from './definition.ts';

const flag = { unit: 'flag', nullWhen: 'it is not open, or is named in unsupported' } as const;
const engagement = { ...flag, from: 'activity_logs: login, view, forum_post, and the time of all events' } as const;
const grades = { ...flag, exactness: 'exact', from: 'grades, but the items course and category' } as const;
const limit = 'by max(OUTLIER_THRESHOLD·σ, 10 points) or more, σ from the median absolute deviation (modified_z)';
const chart = 'the 28 days before these, of which 14 have a score and 4 one above 0';

/**
 * What stands out. A flag is `{since, value, baseline, threshold, method, severity}`, some with `item` or `direction`; the
 * first three numbers are in one unit.
 */
export const ANOMALY = {
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
  engagement_shift: {
    ...engagement,
    exactness: 'at most 1e-6',
    window: '56 days',
    formula: `The tabular CUSUM (k = σ/2) of the daily scores of the last 28 days exceeds 5σ, mean and σ being those of ${chart} (cusum).`,
  },
  sustained_low: {
    ...engagement,
    exactness: 'at most 1e-6',
    window: '56 days',
    formula: `The EWMA (λ = 0.05) of the daily scores of the last 28 days is on each of the last 3 more than 2.615·σ·√(λ/(2−λ)) below the mean of ${chart} (ewma).`,
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
