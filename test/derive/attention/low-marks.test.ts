import { describe, expect, test } from 'vitest';
import type { AttentionKey } from '#libs/derive/attention/key.ts';
import { marks } from '#libs/derive/attention/low-marks.ts';
import type { GradeStep } from '#libs/derive/attention/member.ts';
import type { ClassGradeStep } from '#libs/derive/attention/numbers.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { classOf, daily, flagsOn, keyOf, LAST, numbersOf, unknownOn, usually } from './build.ts';

/** Grades in percent. */
type Step = readonly [item: string, from: number, percent: number | null];
const held = ([item, from, percent]: Step, unit: number) => ({
  item,
  from,
  grade: percent === null ? null : Math.round(unit * percent),
});
const own = (...steps: readonly Step[]): GradeStep[] => steps.map((step) => held(step, 100));
const ofClass = (...steps: readonly Step[]): ClassGradeStep[] => steps.map((step) => held(step, 200));
const graded = (mine: readonly Step[], others: readonly Step[]): AttentionKey =>
  keyOf({ grades: own(...mine), numbers: numbersOf({ grades: ofClass(...others) }) });
const pointsOn = (key: AttentionKey, ...days: readonly number[]) => days.map((day) => marks(key).points[day - 1]);

/** On day 50, items whose grades differ by these percentages from a class grade of 60. */
const apart = (...differences: readonly number[]): AttentionKey =>
  graded(
    differences.map((difference, index): Step => [`item ${index}`, 20, 60 + difference]),
    differences.map((_, index): Step => [`item ${index}`, 21, 60]),
  );

describe('points of low_marks', () => {
  test('1 at ten points below the class, 2 at twenty, not a hundredth before', () => {
    const points = [0, -9.99, -10, -19.99, -20, -60].map((difference) => pointsOn(apart(difference), 50)[0]);
    expect(points).toEqual([0, 0, 1, 1, 2, 2]);
    expect(pointsOn(apart(40), 50)).toEqual([0]);
  });

  test('on average over all items, exactly', () => {
    expect(pointsOn(apart(-30, 10, -10), 50)).toEqual([1]);
    expect(pointsOn(apart(-30, 10, -9.99), 50)).toEqual([0]);
    expect(pointsOn(apart(-30, -20, -10), 50)).toEqual([2]);
    expect(pointsOn(apart(-30, -20, -9.99), 50)).toEqual([1]);
  });

  test('to the half hundredth of a class grade between two', () => {
    const key = (percent: number) => graded([['essay', 20, 50]], [['essay', 21, percent]]);
    expect(pointsOn(key(60), 50)).toEqual([1]);
    expect(pointsOn(key(59.995), 50)).toEqual([0]);
  });
});

test('each day is judged, the last one among them', () => {
  expect(marks(apart(-30)).points).toHaveLength(LAST);
  expect(pointsOn(apart(-30), LAST - 1, LAST)).toEqual([2, 2]);
});

describe('compared is what has both an own and a class grade', () => {
  const key = graded(
    [
      ['essay', 20, 40],
      ['quiz', 20, 0],
    ],
    [
      ['essay', 30, 60],
      ['oral', 10, 90],
    ],
  );

  test('from the day on which both are there', () => {
    expect(pointsOn(key, 20, 29, 30)).toEqual([null, null, 2]);
    expect(marks(key).on(29)).toEqual({ difference: -20 * 200, graded: 1 });
    expect(pointsOn(key, 30)).toEqual([2]);
  });

  test('the own grade as of the day itself, when the class grade was there first', () => {
    expect(pointsOn(graded([['essay', 40, 40]], [['essay', 30, 60]]), 39, 40)).toEqual([null, 2]);
  });

  test('not when either is taken back', () => {
    const both = (mine: readonly Step[], others: readonly Step[]) =>
      graded([['essay', 20, 40], ...mine], [['essay', 21, 60], ...others]);
    expect(pointsOn(both([['essay', 30, null]], []), 29, 30)).toEqual([2, null]);
    expect(pointsOn(both([], [['essay', 30, null]]), 29, 30)).toEqual([2, null]);
    expect(
      pointsOn(
        both(
          [
            ['essay', 30, null],
            ['essay', 35, 45],
          ],
          [],
        ),
        34,
        35,
      ),
    ).toEqual([null, 1]);
  });

  test('a 0 is one', () => {
    expect(pointsOn(graded([['essay', 20, 0]], [['essay', 21, 60]]), 21)).toEqual([2]);
    expect(pointsOn(graded([['essay', 20, 0]], [['essay', 21, 0]]), 21)).toEqual([0]);
  });

  test('a grade from before the first day counts from the first day on', () => {
    const late = { ...graded([['essay', 20, 40]], [['essay', 21, 60]]), firstDay: 40 };
    expect(marks(late).on(0)).toEqual({ difference: -4000, graded: 1 });
    expect(marks(late).points[0]).toBe(2);
  });

  test('where it is not known `unsupported` says so', () => {
    expect(unknownOn(key, 29)).toContain('low_marks');
    expect(unknownOn(key, 30)).not.toContain('low_marks');
    const few = usually(null);
    expect(pointsOn({ ...key, numbers: { ...few, grades: ofClass(['essay', 21, 60]) } }, 50)).toEqual([null]);
    expect(pointsOn({ ...key, numbers: null }, 50)).toEqual([null]);
  });
});

test('the whole class regraded: the own grade is of today, the class grade of yesterday', () => {
  // All had 40, the student among them; on day 30 all get 60.
  const steps = own(['essay', 20, 40], ['essay', 30, 60]);
  const numbers = classOf(daily(8, () => ({ grades: steps })));
  const key = keyOf({ grades: steps, numbers });
  expect([20, 21, 29, 30, 31].map((day) => marks(key).on(day - 1).difference)).toEqual([0, 0, 0, 4000, 0]);
  // The only one to keep the 40 is below the class from the next day on.
  const kept = keyOf({ grades: steps.slice(0, 1), numbers });
  expect(pointsOn(kept, 30, 31)).toEqual([0, 2]);
});

describe('the column low_marks', () => {
  test('says the mean difference to two decimals, and of how many items', () => {
    expect(flagsOn(apart(-30, 10, -10.01), 50).low_marks).toEqual({
      since: formatDay(21),
      value: -10,
      baseline: 0,
      threshold: -10,
      method: 'class_grades',
      severity: 'low',
      graded: 3,
    });
    expect(flagsOn(apart(-30, 10, -10.02), 50).low_marks).toMatchObject({ value: -10.01, threshold: -10 });
    expect(flagsOn(apart(-25), 50).low_marks).toMatchObject({ value: -25, threshold: -20, severity: 'medium' });
  });

  test('rounds halves away from zero', () => {
    expect(flagsOn(graded([['essay', 20, 40]], [['essay', 21, 55.005]]), 50).low_marks?.value).toBe(-15.01);
  });

  test('is null where the marks are not low', () => {
    expect(flagsOn(apart(-9.99), 50).low_marks).toBeNull();
  });
});
