import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { NOTHING } from '../support/nothing.ts';
import { date, days, FlagSource, students } from './flag-source.ts';

let source: FlagSource;
beforeAll(async () => {
  source = await FlagSource.create('attention_work');
});
afterAll(() => source.drop());
beforeEach(() => source.clear());

test('an item is expected when three quarters of the attending have handed it in, not one fewer', async () => {
  const group = students(100);
  await source.allActive(group, 'course', [0, 10, 20, 30]);
  await source.submissions(group.slice(0, 74), 'course', [['by 74', 20]]);
  await source.submissions(group.slice(0, 75), 'course', [['by 75', 20]]);
  await source.ask(30);
  expect(source.classDay(20)).toMatchObject({ attending: 100, source: null, expected: NOTHING });
  expect(source.classDay(21)).toMatchObject({ attending: 100, source: 'submission', expected: { 'by 75': date(21) } });
  expect(source.classDay(30)?.expected).toEqual({ 'by 75': date(21) });
  expect(source.openDays('classmate 75', 'missing_work')).toEqual([]);
  expect(source.openDays('classmate 76', 'missing_work')).toEqual(days(21, 30));
  // Other shares.
  await source.ask(30, { expected_share: '0.74' });
  expect(source.classDay(30)?.expected).toEqual({ 'by 74': date(21), 'by 75': date(21) });
  await source.ask(30, { expected_share: '4/5' });
  expect(source.classDay(30)?.expected).toEqual({});
});

test('only who attends counts', async () => {
  // Seven of ten hand in on day 20. One of the others was last active on day 10, and so attends until day 38: then seven of nine.
  const ten = students(10);
  await source.allActive(ten.slice(0, 9), 'falls', days(0, 60));
  await source.active('classmate 10', 'falls', days(0, 10));
  await source.submissions(ten.slice(0, 7), 'falls', [['essay', 20]]);
  // Six of eight, but one of them attended only until day 28 and handed in on day 0, when the other five had not.
  const nine = students(9);
  await source.allActive(nine.slice(0, 8), 'gone', days(0, 60));
  await source.submissions(['classmate 9'], 'gone', [['essay', 0]]);
  await source.submissions(nine.slice(0, 5), 'gone', [['essay', 40]]);
  // Seven attend, and all hand in; the eighth comes on day 30, hands in on day 50.
  const eight = students(8);
  await source.allActive(eight.slice(0, 7), 'small', days(0, 60));
  await source.submissions(eight.slice(0, 7), 'small', [['essay', 20]]);
  await source.active('classmate 8', 'small', days(30, 60));
  await source.ask(60);
  expect(source.classDay(38, 'falls')).toMatchObject({ attending: 10, expected: NOTHING });
  expect(source.classDay(39, 'falls')).toMatchObject({ attending: 9, expected: { essay: date(39) } });
  expect(source.classDay(60, 'gone')).toMatchObject({ attending: 8, expected: NOTHING });
  expect(source.classDay(30, 'small')).toMatchObject({ attending: 7, usual: null, expected: NOTHING });
  expect(source.classDay(31, 'small')).toMatchObject({ attending: 8, expected: { essay: date(31) } });
  // Joined on day 30, expected on day 31: not owed.
  expect(source.openDays('classmate 8', 'missing_work', 'small')).toEqual([]);
});

test('an item stays expected when the share falls again', async () => {
  // Six of eight hand in and leave; six others who do not owe it take their places.
  await source.allActive(students(6), 'course', days(0, 20));
  await source.submissions(students(6), 'course', [['essay', 20]]);
  await source.allActive(students(2, 'stays'), 'course', days(0, 60));
  await source.allActive(students(6, 'new'), 'course', days(22, 60));
  await source.ask(60);
  expect(source.classDay(60)).toMatchObject({ attending: 8, expected: { essay: date(21) } });
  expect(source.openDays('stays 1', 'missing_work')).toEqual(days(21, 60));
  expect(source.openDays('new 1', 'missing_work')).toEqual([]);
});

test('points: a quarter and half of the recent, half of the earlier; the names of the missing', async () => {
  // Items a ... e are expected on day 20, f ... i on day 48, when the first five are among the earlier ones.
  const early = ['a', 'b', 'c', 'd', 'e'];
  const late = ['f', 'g', 'h', 'i'];
  const asOf = async (day: number, ...without: string[]): Promise<unknown> => {
    await source.clear();
    await source.allActive([...students(9), 'student'], 'course', days(0, 60));
    await source.submissions(students(9), 'course', [
      ...early.map((item) => [item, 19] as const),
      ...late.map((item) => [item, 47] as const),
    ]);
    const items = [...early, ...late].filter((item) => !without.includes(item));
    await source.submissions(
      ['student'],
      'course',
      items.map((item) => [item, 15] as const),
    );
    await source.ask(day);
    return source.flag('student', 'missing_work');
  };
  const open = { threshold: 1, method: 'class_work', source: 'submission' };
  expect(await asOf(19, ...early)).toBeNull();
  expect(await asOf(20, 'a')).toBeNull(); // one of five
  const two = { ...open, since: date(20), value: 2, baseline: 5, items: ['a', 'b'] };
  expect(await asOf(20, 'b', 'a')).toEqual({ ...two, severity: 'low' }); // two of five
  expect(await asOf(20, 'a', 'b', 'c')).toMatchObject({ value: 3, severity: 'medium' });
  expect(await asOf(47, ...early)).toMatchObject({ value: 5, baseline: 5, severity: 'medium', since: date(20) });
  expect(await asOf(48, 'a', 'b')).toBeNull(); // two of five earlier ones
  expect(await asOf(48, 'a', 'b', 'c')).toMatchObject({ value: 3, baseline: 9, severity: 'low', since: date(20) });
  expect(await asOf(48, 'f')).toMatchObject({ value: 1, baseline: 9, severity: 'low', since: date(48) }); // one of four
  expect(await asOf(48, 'f', 'g')).toMatchObject({ value: 2, severity: 'medium' });
  expect(await asOf(48, 'f', 'a', 'b', 'c')).toMatchObject({ value: 4, severity: 'medium' }); // 1 + 1
  expect(await asOf(48, 'g', 'f', 'e', 'd', 'c', 'b')).toEqual({
    ...open,
    since: date(20),
    value: 6,
    baseline: 9,
    severity: 'high',
    items: ['f', 'g', 'b', 'c', 'd'], // the latest expected first, then by name, five at most
  });
});

test('handed in late, it stops counting on that day', async () => {
  await source.allActive([...students(9), 'late', 'later'], 'course', days(0, 60));
  await source.submissions(students(9), 'course', [['essay', 19]]);
  await source.submissions(['late'], 'course', [['essay', 30]]);
  await source.submissions(['later'], 'course', [['essay', 48]]);
  await source.ask(60);
  expect(source.openDays('late', 'missing_work')).toEqual(days(20, 29));
  expect(source.openDays('later', 'missing_work')).toEqual(days(20, 47));
});

test('grades alone', async () => {
  // Eight of ten have the grade, one of them a 0, and two have none.
  await source.allActive(students(10), 'course', days(0, 40));
  for (const student of students(7)) await source.grades(student, 'course', [['essay', 60, 20]]);
  await source.grades('classmate 8', 'course', [['essay', 0, 20]]);
  for (const student of students(10)) {
    await source.grades(student, 'course', [
      ['course', 60, 10],
      ['Category', 60, 10],
    ]);
  }
  await source.ask(40);
  expect(source.classDay(20)).toMatchObject({ source: null, expected: NOTHING }); // `course` and `category` are no items
  expect(source.classDay(40)).toMatchObject({ source: 'grade', expected: NOTHING }); // seven of ten
  await source.ask(40, { zero_grades: 'graded' });
  expect(source.classDay(40)).toMatchObject({ source: 'grade', expected: { essay: date(21) } });
  expect(source.openDays('classmate 8', 'missing_work')).toEqual([]);
  expect(source.flag('classmate 9', 'missing_work')).toMatchObject({
    since: date(21),
    source: 'grade',
    items: ['essay'],
  });
  // One more grade, taken back on day 35: it counts as handed in from the day on which it was first graded.
  await source.grades('classmate 9', 'course', [
    ['essay', 60, 30],
    ['essay', 0, 35],
  ]);
  await source.ask(40);
  expect(source.classDay(40)?.expected).toEqual({ essay: date(31) });
  expect(source.openDays('classmate 9', 'missing_work')).toEqual([]);
  expect(source.openDays('classmate 8', 'missing_work')).toEqual(days(31, 40));
});

test('completions alone', async () => {
  await source.allActive(students(10), 'course', days(0, 40));
  const done = students(8);
  // Already done in the first row, on day 15; or not done on day 5, done on day 18, not done again on day 25.
  for (const student of done.slice(0, 4)) await source.completion(student, 'course', [[15, 1]], 'unit');
  await source.ask(40);
  expect(source.classDay(40)).toMatchObject({ source: null, expected: NOTHING }); // no state that is not done
  for (const student of done.slice(4)) {
    await source.completion(
      student,
      'course',
      [
        [5, 0],
        [18, 2],
        [25, 3],
      ],
      'unit',
    );
  }
  await source.ask(40);
  expect(source.classDay(5)).toMatchObject({ source: null });
  expect(source.classDay(6)).toMatchObject({ source: 'completion', expected: NOTHING });
  expect(source.classDay(19)).toMatchObject({ source: 'completion', expected: { unit: date(19) } });
  expect(source.openDays('classmate 5', 'missing_work')).toEqual([]);
  expect(source.openDays('classmate 9', 'missing_work')).toEqual(days(19, 40));
});

test('submissions that begin in mid-course change the source', async () => {
  const group = students(8);
  await source.allActive([...group, 'student'], 'course', days(0, 60));
  await source.submissions(group, 'course', [['quiz', 10]], 'quiz_attempt'); // no coverage of submissions yet
  for (const student of group) await source.grades(student, 'course', [['essay', 60, 20]]);
  await source.submissions(group, 'course', [['report', 40]]);
  await source.ask(60);
  expect(source.classDay(20)).toMatchObject({ source: null, expected: NOTHING });
  expect(source.classDay(21)).toMatchObject({ source: 'grade', expected: { essay: date(21) } });
  expect(source.classDay(40)).toMatchObject({ source: 'grade', expected: { essay: date(21) } });
  expect(source.classDay(41)).toMatchObject({ source: 'submission', expected: { quiz: date(11), report: date(41) } });
  // One point for the quiz, expected over 27 days ago, and two for the report.
  expect(source.openDays('student', 'missing_work')).toEqual(days(21, 60));
  expect(source.openDays('student', 'attention')).toEqual(days(41, 60));
  expect(source.flag('student', 'missing_work')).toMatchObject({
    since: date(21),
    value: 2,
    baseline: 2,
    source: 'submission',
    severity: 'high',
    items: ['report', 'quiz'],
  });
});
