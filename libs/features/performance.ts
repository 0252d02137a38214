import type { Definitions } from './definition.ts';

const grades = { exactness: 'exact', window: 'ever', from: 'grades, but the items course and category' } as const;
const count = { ...grades, unit: 'count' } as const;
const percent = { ...grades, unit: 'percent, 2 decimals', nullWhen: 'no item is graded' } as const;
const total = { exactness: 'exact', window: 'ever', from: 'grades: the item course' } as const;
const noTotal = 'the course total is not known, or is 0 under ZERO_GRADES=ungraded';
const mean = 'Mean of the normalised grades of the items graded in the window.';

/** Grades are normalised: min(100, 100·value/max). An item is graded when it has a value; 0 counts by ZERO_GRADES. */
export const PERFORMANCE = {
  graded_items: { ...count, formula: 'Items with a grade; one of 0 only under ZERO_GRADES=graded.' },
  ungraded_items: { ...count, formula: 'Items without a grade; one of 0 too under ZERO_GRADES=ungraded.' },
  zero_grades: { ...count, formula: 'Items whose value is 0, whatever ZERO_GRADES says.' },
  capped_grades: { ...count, formula: 'Graded items whose value is above their maximum, taken as 100 percent.' },
  avg_grade: { ...percent, formula: 'Mean of the normalised grades.' },
  min_grade: { ...percent, formula: 'Least normalised grade.' },
  max_grade: { ...percent, formula: 'Greatest normalised grade.' },
  latest_grade: { ...percent, formula: 'Normalised grade of the item graded last.' },
  latest_graded_at: {
    ...grades,
    unit: 'instant',
    formula: 'When the item graded last was given the grade that it has.',
    nullWhen: 'no item is graded',
  },
  success_rate: { ...percent, formula: '100 × share of the graded items at PASS_MARK or above, before any rounding.' },
  first_assessment_failed: {
    ...grades,
    unit: 'true or false',
    formula: 'The item that was given the grade that it has before all others is below PASS_MARK.',
    nullWhen: 'no item is graded',
  },
  grade_ma7: { ...percent, window: '7 days', formula: mean, nullWhen: 'no item was graded in the window' },
  grade_ma30: { ...percent, window: '30 days', formula: mean, nullWhen: 'no item was graded in the window' },
  grade_trend: {
    ...grades,
    unit: 'points per 30 days, 6 decimals',
    formula: 'Least-squares slope of the normalised grades over the local days on which they were given.',
    nullWhen: 'fewer than 3 items are graded, or fewer than 7 days lie between the first and the last',
  },
  module_grade: {
    ...total,
    unit: 'percent, 2 decimals',
    formula: 'Normalised grade of the item course, the total that the LMS makes.',
    nullWhen: noTotal,
  },
  passed: {
    ...total,
    unit: 'true or false',
    formula: 'The course total is at PASS_MARK or above, before any rounding.',
    nullWhen: noTotal,
  },
} as const satisfies Definitions;
