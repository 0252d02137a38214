import { describe, expect, test } from 'vitest';
import { classGrades } from '#libs/derive/attention/class-grades.ts';
import type { GradeStep } from '#libs/derive/attention/member.ts';
import { LAST, member } from './build.ts';

/** Grades of the essay in percent, from day 10 on. */
const graded = (...percents: readonly number[]) =>
  percents.map((percent) => member({ grades: [{ from: 10, item: 'essay', grade: 100 * percent }] }));

/** `day item percent`, or – if there is none. */
const shown = (...members: Parameters<typeof classGrades>[0]): string[] =>
  classGrades(members, LAST).map(({ from, item, grade }) => `${from} ${item} ${grade === null ? '–' : grade / 200}`);

const regrading = (...steps: readonly [from: number, percent: number | null][]) =>
  member({
    grades: steps.map(
      ([from, percent]): GradeStep => ({
        from,
        item: 'essay',
        grade: percent === null ? null : 100 * percent,
      }),
    ),
  });

describe('the class grade of an item is the median of the grades, as of the day before', () => {
  test('the middle one of five; four have none', () => {
    expect(shown(...graded(90, 10, 50, 70, 30))).toEqual(['11 essay 50']);
    expect(shown(...graded(90, 10, 50, 70))).toEqual([]);
  });

  test('the mean of the middle two of six, to the half hundredth', () => {
    expect(shown(...graded(90, 10, 50, 70, 30, 80))).toEqual(['11 essay 60']);
    expect(shown(...graded(90, 10, 50, 50.01, 30, 80))).toEqual(['11 essay 50.005']);
  });

  test('0 is a grade, and 0 of 100 can be a class grade', () => {
    expect(shown(...graded(0, 0, 0, 70, 30))).toEqual(['11 essay 0']);
  });

  test('of all keys, whether they attend or not', () => {
    expect(shown(...graded(1, 2, 3, 4, 5).map((key) => ({ ...key, activeDays: [] })))).toEqual(['11 essay 3']);
  });

  test('each item has its own, in order of day and item', () => {
    const key = member({
      grades: [
        { from: 10, item: 'b', grade: 2000 },
        { from: 10, item: 'a', grade: 1000 },
        { from: 12, item: 'B', grade: 3000 },
      ],
    });
    expect(shown(key, key, key, key, key)).toEqual(['11 a 10', '11 b 20', '13 B 30']);
  });
});

describe('it changes', () => {
  test('when the fifth grade comes, and only when the median is another', () => {
    const keys = [...graded(50, 50, 50, 50), regrading([20, 50]), regrading([30, 50]), regrading([40, 90])];
    expect(shown(...keys)).toEqual(['21 essay 50']);
  });

  test('the day after the whole class was regraded', () => {
    const key = () => regrading([10, 40], [20, 60]);
    expect(shown(key(), key(), key(), key(), key())).toEqual(['11 essay 40', '21 essay 60']);
  });

  test('with each of those who are regraded one by one', () => {
    expect(shown(...graded(10, 20, 30), regrading([10, 40], [20, 5]), regrading([10, 50], [21, 6]))).toEqual([
      '11 essay 30',
      '21 essay 20',
      '22 essay 10',
    ]);
  });

  test('to none when a grade of five is taken back, and to one when it is given again', () => {
    expect(shown(...graded(10, 20, 30, 40), regrading([10, 50], [20, null], [25, 35]))).toEqual([
      '11 essay 30',
      '21 essay –',
      '26 essay 30',
    ]);
  });

  test('not by what is graded on as of itself', () => {
    expect(shown(...graded(10, 20, 30, 40, 50), regrading([LAST, 90]))).toEqual(['11 essay 30']);
    expect(shown(...graded(10, 20, 30, 40, 50), regrading([LAST - 1, 90]))).toEqual([
      '11 essay 30',
      `${LAST} essay 35`,
    ]);
  });
});
