import { describe, expect, test } from 'vitest';
import { classNumbers, classUntil, lastClassDay } from '#libs/derive/attention/class-numbers.ts';
import { deriving } from '../build.ts';
import { attendingOn, classOf, daily, every, handsIn, LAST, member, usualOn } from './build.ts';

/** Keys with these numbers of active days among the 21 days before day 50. */
const withDays = (...counts: readonly number[]) =>
  counts.map((count) => member({ activeDays: count === 0 ? [25] : every(29, 28 + count) }));

describe('attending on day d are the keys with an active day among d−28 … d−1', () => {
  test('from the day after the first active one to the 28th after the last one', () => {
    const numbers = classOf([member({ activeDays: [10] })]);
    expect([10, 11, 38, 39].map((day) => attendingOn(numbers, day))).toEqual([0, 1, 1, 0]);
  });

  test('a key that comes back attends again', () => {
    const numbers = classOf([member({ activeDays: [10, 60] })]);
    expect([38, 39, 60, 61, 88, 89].map((day) => attendingOn(numbers, day))).toEqual([1, 0, 0, 1, 1, 0]);
  });

  test('without an active day nobody does, whatever was graded', () => {
    const numbers = classOf(daily(9, () => ({ activeDays: [], grades: [{ from: 3, item: 'essay', grade: 5000 }] })));
    expect(attendingOn(numbers, 50)).toBe(0);
  });
});

describe('usual is the lower median of the active days among d−21 … d−1 of those who attend', () => {
  test('of seven it is not known, of eight it is', () => {
    expect(usualOn(classOf(daily(7)), 50)).toBeNull();
    expect(usualOn(classOf(daily(8)), 50)).toBe(21);
    expect(usualOn(classOf(daily(7), {}, { leastClass: 7 }), 50)).toBe(21);
  });

  test('of eight it is the fourth smallest, of nine the fifth', () => {
    expect(usualOn(classOf(withDays(9, 1, 8, 3, 2, 5, 12, 6)), 50)).toBe(5);
    expect(usualOn(classOf(withDays(9, 1, 8, 3, 2, 5, 12, 6, 7)), 50)).toBe(6);
  });

  test('d−21 counts, and d−1; d−22 and d do not', () => {
    const on = (...days: number[]) =>
      usualOn(classOf(Array.from({ length: 8 }, () => member({ activeDays: days }))), 50);
    expect(on(29, 49)).toBe(2);
    expect(on(28, 49)).toBe(1);
    expect(on(29, 50)).toBe(1);
  });

  test('who was active 22 to 28 days ago alone attends, with none', () => {
    expect(usualOn(classOf(withDays(0, 0, 0, 0, 9, 9, 9, 9)), 50)).toBe(0);
    expect(usualOn(classOf(withDays(0, 0, 0, 9, 9, 9, 9, 9)), 50)).toBe(9);
  });

  test('who has left is not of the class', () => {
    const gone = Array.from({ length: 20 }, () => member({ activeDays: every(0, 21) }));
    const numbers = classOf([...withDays(4, 4, 4, 4, 4, 4, 4, 4), ...gone]);
    expect([attendingOn(numbers, 50), usualOn(numbers, 50)]).toEqual([8, 4]);
  });

  test('once a whole class has stopped, nothing is known', () => {
    const numbers = classOf(Array.from({ length: 8 }, () => member({ activeDays: every(0, 40) })));
    expect([61, 62, 68, 69].map((day) => usualOn(numbers, day))).toEqual([1, 0, 0, null]);
  });
});

describe('the days of a class', () => {
  test('reach from the day after the first fact to as of', () => {
    const numbers = classOf(daily(8), { firstFact: 5 });
    expect([numbers.firstDay, numbers.usual.length]).toEqual([6, LAST - 5]);
    expect(usualOn(numbers, 6)).toBe(6);
  });

  test('are none without a fact, and none before as of', () => {
    const span = { asOf: LAST, submissionFrom: null, notDoneFrom: null };
    expect(classNumbers(daily(8), { ...span, firstFact: null }, deriving())).toBeNull();
    expect(classNumbers(daily(8), { ...span, firstFact: LAST }, deriving())).toBeNull();
    expect(classOf(daily(8), { ...span, firstFact: LAST - 1 }).usual).toEqual([21]);
  });

  test('follow from what is dated before them: as of a later day the earlier ones are the same', () => {
    const members = withDays(9, 1, 8, 3, 2, 5, 12, 6);
    const [now, later] = [classOf(members, { asOf: 60 }), classOf(members)];
    expect(later.usual.slice(0, now.usual.length)).toEqual(now.usual);
    expect(later.attending.slice(0, now.attending.length)).toEqual(now.attending);
  });
});

test('the numbers until a day are those that the class had as of that day', () => {
  const members = daily(8, (index) => ({
    activeDays: every(index, 80),
    handedIn: [handsIn('essay', 20), handsIn('quiz', 40)],
    grades: [
      { from: 20, item: 'essay', grade: 100 * index },
      { from: 60, item: 'essay', grade: 200 * index },
    ],
  }));
  const span = { submissionFrom: 41, notDoneFrom: 2 };
  const whole = classOf(members, span);
  for (const day of [1, 20, 21, 40, 41, 42, 60, 61, 99, LAST])
    expect(classUntil(whole, day)).toEqual(classOf(members, { ...span, asOf: day }));
  expect(classUntil(whole, 0)).toBeNull();
  expect(classUntil(null, 50)).toBeNull();
  expect(lastClassDay(whole)).toBe(LAST);
});
