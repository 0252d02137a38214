import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ATTENTION, date, days, FlagSource, students } from './flag-source.ts';

let source: FlagSource;
beforeAll(async () => {
  source = await FlagSource.create('attention_marks');
});
afterAll(() => source.drop());
beforeEach(() => source.clear());

/** Nine students are active every day; the first eight have these items on these days. */
const course = async (...items: readonly (readonly [item: string, value: number, day: number])[]): Promise<void> => {
  await source.allActive(students(9), 'course', days(0, 80));
  for (const student of students(8)) await source.grades(student, 'course', items);
};

test('ten and twenty points under the class', async () => {
  await course(['essay', 70, 20]);
  for (const value of [60.01, 60, 50.01, 50]) {
    await source.active(`${value}`, 'course', days(0, 80));
    await source.grades(`${value}`, 'course', [['essay', value, 20]]);
  }
  await source.active('ungraded', 'course', days(0, 80));
  await source.ask(30);
  const open = { since: date(21), baseline: 0, method: 'class_grades', graded: 1 };
  expect(source.classDay(20)?.grades).toEqual({});
  expect(source.classDay(21)?.grades).toEqual({ essay: 70 });
  expect(source.flag('60.01', 'low_marks')).toBeNull();
  expect(source.flag('60', 'low_marks')).toEqual({ ...open, value: -10, threshold: -10, severity: 'low' });
  expect(source.flag('50.01', 'low_marks')).toEqual({ ...open, value: -19.99, threshold: -10, severity: 'low' });
  expect(source.flag('50', 'low_marks')).toEqual({ ...open, value: -20, threshold: -20, severity: 'medium' });
  expect(source.openDays('50', 'attention')).toEqual([]); // two points
  expect(source.openDays('50', 'low_marks')).toEqual(days(21, 30));
  expect(source.unsupported('60.01')).not.toContain('low_marks');
  expect(source.unsupported('ungraded')).toContain('low_marks');
});

test('the mean of the items, in half hundredths', async () => {
  // All have 80 in the first item. In the second, four have 70, five 70.01 and the student less: the middle two of ten are 70 and 70.01.
  // The student is 0 and 20.005 under, or 0 and 19.995.
  await source.allActive(students(9), 'course', days(0, 40));
  for (const student of students(9)) await source.grades(student, 'course', [['first', 80, 10]]);
  for (const student of students(4)) await source.grades(student, 'course', [['second', 70, 10]]);
  for (const student of students(9).slice(4)) await source.grades(student, 'course', [['second', 70.01, 10]]);
  await source.active('at', 'course', days(0, 40));
  await source.grades('at', 'course', [
    ['first', 80, 10],
    ['second', 50, 10],
  ]);
  await source.ask(40);
  expect(source.classDay(40)?.grades).toEqual({ first: 80, second: 70.005 });
  // -20.005 / 2 = -10.0025.
  expect(source.flag('at', 'low_marks')).toMatchObject({ value: -10, threshold: -10, graded: 2, severity: 'low' });
  await source.grades('at', 'course', [['second', 50.01, 11]]);
  await source.ask(40);
  // As of day 11 the mark is already 50.01 (-19.995 / 2 = -9.9975), and on day 10 there was no class grade.
  expect(source.openDays('at', 'low_marks')).toEqual([]);
});

test('five grades make a class grade, also of who attends no more', async () => {
  await source.allActive(students(8), 'course', days(0, 60));
  for (const student of ['gone', ...students(3)]) {
    await source.grades(student, 'course', [
      ['four', 70, 5],
      ['five', 70, 5],
    ]);
  }
  await source.grades('student', 'course', [['five', 50, 20]]);
  await source.ask(60);
  expect(source.classDay(20)?.grades).toEqual({});
  expect(source.classDay(21)?.grades).toEqual({ five: 70 });
  expect(source.openDays('student', 'low_marks')).toEqual(days(21, 60));
});

test('a regrading: of the class from the day after, of the student at once', async () => {
  await course(['essay', 60, 20], ['essay', 50, 30]);
  await source.grades('classmate 9', 'course', [
    ['essay', 45, 20],
    ['essay', 35, 30],
    ['essay', 0, 50],
    ['essay', 50, 55],
  ]);
  const asOf = async (day: number): Promise<unknown> => {
    await source.ask(day);
    return source.flag('classmate 9', 'low_marks');
  };
  expect(await asOf(29)).toMatchObject({ value: -15, threshold: -10, since: date(21) });
  expect(await asOf(30)).toMatchObject({ value: -25, threshold: -20, since: date(21) });
  expect(await asOf(31)).toMatchObject({ value: -15, threshold: -10, since: date(21) });
  await source.ask(60);
  expect(source.classDay(30)?.grades).toEqual({ essay: 60 });
  expect(source.classDay(31)?.grades).toEqual({ essay: 50 });
  expect(source.openDays('classmate 9', 'low_marks')).toEqual(days(21, 49)); // 0 is no mark
});

test('an item above its max, and of another max', async () => {
  await source.allActive(students(9), 'course', days(0, 30));
  for (const student of students(8)) await source.grades(student, 'course', [['essay', 12, 20, 10]]); // 100
  await source.grades('classmate 9', 'course', [['essay', 2, 20, 3]]); // 66.67
  await source.ask(30);
  expect(source.classDay(30)?.grades).toEqual({ essay: 100 });
  expect(source.flag('classmate 9', 'low_marks')).toMatchObject({ value: -33.33, threshold: -20 });
});

/**
 * Two points for marks from day 21 on, two more for an essay from day 30 on. It is handed in on day 35: P = 2. On day `closing` the mark
 * improves to one point: P = 1. On day 54 three of four recent items are missing: P = 3.
 */
const hysteresis = async (closing: number): Promise<string> => {
  const student = `closing on day ${closing}`;
  await source.active(student, 'course', days(0, 80));
  await source.grades(student, 'course', [
    ['exam', 40, 20],
    ['exam', 55, closing],
  ]);
  await source.submissions([student], 'course', [['essay', 35]]);
  return student;
};

test('opens at three, stays at two, closes at one; reopening within fourteen days goes on', async () => {
  await course(['exam', 70, 20]);
  await source.submissions(students(9), 'course', [
    ['essay', 29],
    ['report', 53],
    ['poster', 53],
    ['sketch', 53],
  ]);
  const [within, after] = [await hysteresis(40), await hysteresis(39)];
  await source.ask(34);
  expect(source.flag(within, 'attention')).toEqual({
    since: date(30),
    value: 4,
    baseline: 0,
    threshold: 3,
    method: 'points',
    severity: 'medium',
    reasons: [
      { reason: 'missing_work', points: 2 },
      { reason: 'low_marks', points: 2 },
    ],
  });
  await source.ask(38);
  expect(source.flag(within, 'attention')).toMatchObject({
    since: date(30),
    value: 2,
    severity: 'low',
    reasons: [{ reason: 'low_marks', points: 2 }],
  });
  await source.ask(80);
  expect(source.openDays(within, 'attention')).toEqual([...days(30, 39), ...days(54, 80)]);
  expect(source.openDays(after, 'attention')).toEqual([...days(30, 38), ...days(54, 80)]);
  expect(source.flag(within, 'attention')).toMatchObject({ since: date(30), value: 3 });
  expect(source.flag(after, 'attention')).toMatchObject({ since: date(54), value: 3 });
  expect(source.openDays('classmate 9', 'attention')).toEqual([]);
  // Other points: closing under 1, it never closes; opening at 4, it is closed on day 40 and 3 do not open it.
  await source.ask(80, { attention_close: '1' });
  expect(source.openDays(within, 'attention')).toEqual(days(30, 80));
  await source.ask(80, { attention_open: '4' });
  expect(source.openDays(within, 'attention')).toEqual(days(30, 39));
});

test('two points alone never open', async () => {
  await course(['exam', 70, 20]);
  await source.active('student', 'course', days(0, 80));
  await source.grades('student', 'course', [['exam', 40, 20]]);
  await source.ask(80);
  expect(source.openDays('student', 'low_marks')).toEqual(days(21, 80));
  expect(source.openDays('student', 'attention')).toEqual([]);
});

test('all eight points', async () => {
  // Active until day 10, graded then; the essay is expected on day 20, the report on day 48.
  await course(['exam', 70, 10]);
  await source.submissions(students(9), 'course', [
    ['essay', 19],
    ['report', 47],
  ]);
  await source.active('student', 'course', days(0, 10));
  await source.grades('student', 'course', [['exam', 40, 10]]);
  await source.ask(50);
  expect(source.flag('student', 'attention')).toEqual({
    since: date(20), // two of marks from day 11 on, and two of the essay
    value: 8,
    baseline: 0,
    threshold: 3,
    method: 'points',
    severity: 'high',
    reasons: [
      { reason: 'absent', points: 3 },
      { reason: 'missing_work', points: 3 },
      { reason: 'low_marks', points: 2 },
    ],
  });
  expect(source.flags('student').get(50)).toEqual(expect.arrayContaining(ATTENTION));
});
