import type { GradeFact } from '#libs/aggregate/grades.ts';
import { AGGREGATE_ITEMS, GRADE_DECIMALS } from '#libs/clean/grades.ts';
import { gradesOf, meanGrade, type PerformanceFeatures } from '#libs/derive/performance.ts';
import { SETTING_DECIMALS } from '#libs/domain/components.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { formatScaled } from '#libs/domain/rational.ts';
import type { Grounds } from './grounds.ts';
import { instantShown, type Parts, type PartsOf } from './parts.ts';

const decimal = (value: bigint | null): string | null => (value === null ? null : formatScaled(value, GRADE_DECIMALS));

/** The grade of an item, or of the course total, in percent; `counts` depends on ZERO_GRADES. */
function gradeParts(fact: GradeFact, { settings }: Grounds): Parts {
  const { item, value, max, day, gradedAt } = fact;
  const counts = value !== null && (value !== 0n || settings.zeroGrades === 'graded');
  const points = value !== null && value > max ? max : value;
  const percent = meanGrade([{ item, points: points ?? 0n, max, day, gradedAt }]);
  return {
    item,
    value: decimal(value),
    max: decimal(max),
    counts,
    percent: counts ? Number(percent) : null,
    day: formatDay(day),
    graded_at: instantShown(gradedAt),
  };
}

const passMark = ({ settings }: Grounds): number => Number(formatScaled(settings.passMark, SETTING_DECIMALS));

/** Items in the order in which they were graded. @param days the window in which an item must have been graded */
const items =
  (days = Number.POSITIVE_INFINITY) =>
  (grounds: Grounds): Parts => {
    const facts = grounds.grades.filter(({ item, day }) => !AGGREGATE_ITEMS.has(item) && day > grounds.asOf - days);
    return {
      graded: gradesOf(facts, grounds.settings).length,
      pass_mark: passMark(grounds),
      items: facts.map((fact) => gradeParts(fact, grounds)),
    };
  };

const total = (grounds: Grounds): Parts => ({
  pass_mark: passMark(grounds),
  items: grounds.grades.filter(({ item }) => item === 'course').map((fact) => gradeParts(fact, grounds)),
});

export const PERFORMANCE_PARTS: PartsOf<PerformanceFeatures> = {
  graded_items: items(),
  ungraded_items: items(),
  zero_grades: items(),
  capped_grades: items(),
  avg_grade: items(),
  min_grade: items(),
  max_grade: items(),
  latest_grade: items(),
  latest_graded_at: items(),
  success_rate: items(),
  first_assessment_failed: items(),
  grade_ma7: items(7),
  grade_ma30: items(30),
  grade_trend: items(),
  module_grade: total,
  passed: total,
};
