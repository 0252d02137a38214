import { describe, expect, test } from 'vitest';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { PERFORMANCE } from '#libs/features/performance.ts';
import { grade } from '../aggregate/build.ts';
import { ago, performanceOf } from './build.ts';

const NONE = {
  graded_items: 0,
  capped_grades: 0,
  avg_grade: null,
  min_grade: null,
  max_grade: null,
  latest_grade: null,
  latest_graded_at: null,
  success_rate: null,
  first_assessment_failed: null,
  grade_ma7: null,
  grade_ma30: null,
  grade_trend: null,
};

/** Items graded one per day in the given order, as `value/max`; `-/max` is not graded. */
const items = (...grades: readonly string[]): GradeObservation[] =>
  grades.map((text, index) => {
    const [value = '', max = ''] = text.split('/');
    return grade(`item ${index}`, value === '-' ? null : value, ago(grades.length - index), max);
  });

describe('a key has a row', () => {
  test('with any accepted grade row, also if nothing is graded', () => {
    expect(performanceOf(items('-/100'))).toMatchObject(NONE);
    expect(performanceOf(items('0/100'))).toMatchObject(NONE);
    expect(performanceOf([grade('course', '50', ago(1))])).toMatchObject(NONE);
  });

  test('and none without', () => {
    expect(performanceOf([])).toBeNull();
  });

  test('from the rows dated on or before the day alone', () => {
    const rows = [grade('a', '50', ago(0, '23:59:59.999')), grade('b', '100', ago(-1, '00:00'))];
    expect(performanceOf(rows)).toMatchObject({ avg_grade: '50.00', latest_grade: '50.00', graded_items: 1 });
  });
});

describe('graded is an item whose value is not null', () => {
  test('items not graded yet count for nothing', () => {
    expect(performanceOf(items('80/100', '-/100'))).toMatchObject({
      avg_grade: '80.00',
      latest_grade: '80.00',
      graded_items: 1,
    });
  });

  test('the items course and category count for nothing', () => {
    const rows = [...items('80/100'), grade('course', '10', ago(0)), grade('category', '20', ago(0))];
    expect(performanceOf(rows)).toMatchObject({ avg_grade: '80.00', latest_grade: '80.00', graded_items: 1 });
  });

  test('under ZERO_GRADES=ungraded a value of 0 is not graded', () => {
    expect(performanceOf(items('80/100', '0/100'), { zeroGrades: 'ungraded' })).toMatchObject({
      avg_grade: '80.00',
      latest_grade: '80.00',
      graded_items: 1,
    });
    expect(performanceOf(items('0/100'), { zeroGrades: 'ungraded' })).toMatchObject(NONE);
  });

  test('under ZERO_GRADES=graded it is', () => {
    expect(performanceOf(items('80/100', '0/100'), { zeroGrades: 'graded' })).toMatchObject({
      avg_grade: '40.00',
      latest_grade: '0.00',
      graded_items: 2,
    });
    expect(performanceOf(items('0/100', '-/100'), { zeroGrades: 'graded' })).toMatchObject({
      avg_grade: '0.00',
      latest_grade: '0.00',
      graded_items: 1,
    });
  });

  test('the least value that is not 0 is graded in both', () => {
    const least = { avg_grade: '0.00', latest_grade: '0.00', graded_items: 1 };
    expect(performanceOf(items('0.00001/100'), { zeroGrades: 'ungraded' })).toMatchObject(least);
    expect(performanceOf(items('0.00001/100'), { zeroGrades: 'graded' })).toMatchObject(least);
  });
});

describe('avg_grade is the mean of 100·value/max, exact up to one rounding', () => {
  test.each([
    // 1/3 + 2/7 + 50/100 = 14/42 + 12/42 + 21/42 = 47/42; a third of it is 47/126 = .373015…
    ['maxes 3, 7 and 100', ['1/3', '2/7', '50/100'], '37.30'],
    // 2/3 + 6/7 = 32/21; half of it is 16/21 = .761904…
    ['maxes 3 and 7', ['2/3', '6/7'], '76.19'],
    // (16.666… + 16.666… + 26.6787) / 3 = 20.00401…; with grades rounded first it would be 60.02 / 3 = 20.0066…
    ['grades that are not rounded before', ['1/6', '1/6', '26.6787/100'], '20.00'],
    ['a third', ['1/3'], '33.33'],
    ['two thirds', ['2/3'], '66.67'],
    ['0.125, a tie', ['1/800'], '0.13'],
    ['0.375, a tie', ['3/800'], '0.38'],
    ['a tie of a mean: (0.12 + 0.13) / 2', ['0.12/100', '0.13/100'], '0.13'],
    ['1.005, a tie that no double holds', ['1.005/100'], '1.01'],
    ['equal weight whatever the max', ['1/2', '100/100'], '75.00'],
    ['the greatest max there is', ['46116860184273.87904/92233720368547.75807'], '50.00'],
  ])('%s', (_what, grades, expected) => {
    expect(performanceOf(items(...grades))?.avg_grade).toBe(expected);
  });

  test('many items of many maxes stay exact', () => {
    // n/(n·3) for 200 different maxes: each is a third.
    const thirds = Array.from({ length: 200 }, (_, n) => `${n + 1}/${3 * (n + 1)}`);
    expect(performanceOf(items(...thirds))).toMatchObject({
      avg_grade: '33.33',
      latest_grade: '33.33',
      graded_items: 200,
    });
  });
});

describe('a grade above its max counts as 100', () => {
  test('in the mean', () => {
    expect(performanceOf(items('120/100', '50/100'))?.avg_grade).toBe('75.00');
    expect(performanceOf(items('1000/3'))?.avg_grade).toBe('100.00');
  });

  test('as the latest', () => {
    expect(performanceOf(items('50/100', '120/100'))?.latest_grade).toBe('100.00');
  });

  test('and one just below it does not', () => {
    expect(performanceOf(items('99.99/100'))?.latest_grade).toBe('99.99');
    expect(performanceOf(items('100/100'))?.latest_grade).toBe('100.00');
  });
});

describe('latest_grade is that of the last graded item in order of (graded_at, name)', () => {
  const latest = (...rows: readonly GradeObservation[]): string | null | undefined => performanceOf(rows)?.latest_grade;

  test('the item graded last', () => {
    expect(latest(grade('a', '10', ago(1)), grade('b', '20', ago(3)), grade('c', '30', ago(2)))).toBe('10.00');
  });

  test('not the one repeated last: a repeated row does not grade again', () => {
    expect(latest(grade('a', '10', ago(5)), grade('b', '20', ago(3)), grade('a', '10', ago(1)))).toBe('20.00');
    expect(latest(grade('a', '10', ago(5)), grade('b', '20', ago(3)), grade('a', '11', ago(1)))).toBe('11.00');
  });

  test('of one time, the one whose name is last by UTF-8 bytes', () => {
    const now = ago(1);
    expect(latest(grade('a', '10', now), grade('Z', '20', now))).toBe('10.00');
    expect(latest(grade('é', '10', now), grade('z', '20', now))).toBe('10.00');
    // In UTF-16 😀 would come before the full-width Ａ.
    expect(latest(grade('😀', '10', now), grade('Ａ', '20', now))).toBe('10.00');
  });

  test('items that are not graded, or are no items, are passed over', () => {
    const rows = [
      grade('a', '10', ago(5)),
      grade('b', null, ago(4)),
      grade('c', '0', ago(3)),
      grade('course', '99', ago(2)),
    ];
    expect(latest(...rows)).toBe('10.00');
  });

  test('is rounded half away from zero', () => {
    expect(latest(grade('a', '1', ago(1), '800'))).toBe('0.13');
    expect(latest(grade('a', '2', ago(1), '3'))).toBe('66.67');
  });
});

test('every column has a type', () => {
  const row = performanceOf(items('50/100'));
  expect(Object.keys(PERFORMANCE).toSorted()).toEqual(Object.keys(row ?? {}).toSorted());
});
