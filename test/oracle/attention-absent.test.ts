import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { NOTHING } from '../support/nothing.ts';
import { ATTENTION, date, days, FlagSource, students } from './flag-source.ts';

let source: FlagSource;
beforeAll(async () => {
  source = await FlagSource.create('attention_absent');
});
afterAll(() => source.drop());
beforeEach(() => source.clear());

const REASONS = ['absent', 'low_marks', 'missing_work'];
const ofAttention = (unsupported: string[]): string[] => unsupported.filter((name) => ATTENTION.includes(name));

test('points by the usual active days, in a class of seven others and of eight', async () => {
  // The absentee is active on days 0 ... 9, so a = 10 until day 20, then one less a day: 9 on day 21, 5 on day 25, 0 on day 30. The class
  // is active every day: u = d until day 21, then 21. 2 * 10 <= 20 on day 20; 4 * 6 > 21 on day 24, 4 * 5 <= 21 on day 25; from day 37 on
  // there is no active day among d - 27 ... d. Day 9 is among d - 28 ... d - 1 until day 37.
  for (const others of [7, 8]) {
    await source.allActive(students(others), `${others} others`, days(0, 60));
    await source.active('absentee', `${others} others`, days(0, 9));
  }
  await source.ask(60);
  expect(source.classDay(0, '7 others')).toBeUndefined();
  expect(source.classDay(1, '7 others')).toEqual({ attending: 8, usual: 1, source: null, expected: {}, grades: {} });
  expect(source.classDay(20, '7 others')).toMatchObject({ attending: 8, usual: 20 });
  expect(source.classDay(37, '7 others')).toMatchObject({ attending: 8, usual: 21 });
  expect(source.classDay(38, '7 others')).toMatchObject({ attending: 7, usual: null });
  expect(source.classDay(60, '8 others')).toMatchObject({ attending: 8, usual: 21 });
  expect(source.openDays('absentee', 'absent', '7 others')).toEqual(days(20, 37));
  expect(source.openDays('absentee', 'attention', '7 others')).toEqual([37]);
  expect(ofAttention(source.unsupported('absentee', '7 others'))).toEqual(ATTENTION);
  expect(source.openDays('absentee', 'absent', '8 others')).toEqual(days(20, 60));
  expect(source.openDays('absentee', 'attention', '8 others')).toEqual(days(37, 60));
  expect(source.flag('absentee', 'absent', '8 others')).toEqual({
    since: date(20),
    value: 0,
    baseline: 21,
    threshold: 10.5,
    method: 'class_days',
    severity: 'high',
  });
  expect(source.flag('absentee', 'attention', '8 others')).toEqual({
    since: date(37),
    value: 3,
    baseline: 0,
    threshold: 3,
    method: 'points',
    severity: 'low',
    reasons: [{ reason: 'absent', points: 3 }],
  });
  expect(ofAttention(source.unsupported('absentee', '8 others'))).toEqual(['low_marks', 'missing_work']);
  // As of day 24 and day 25.
  await source.ask(24);
  expect(source.flag('absentee', 'absent', '8 others')).toMatchObject({ value: 6, severity: 'low' });
  await source.ask(25);
  expect(source.flag('absentee', 'absent', '8 others')).toMatchObject({ value: 5, severity: 'medium' });
});

test('the least class can be set', async () => {
  await source.allActive(students(7), 'course', days(0, 60));
  await source.active('absentee', 'course', days(0, 9));
  await source.ask(60, { least_class: '7' });
  expect(source.classDay(60)).toMatchObject({ attending: 7, usual: 21 });
  expect(source.openDays('absentee', 'attention')).toEqual(days(37, 60));
});

test('the lower median of an even number, and today does not count for the class', async () => {
  // Four are active on two of the days 0 ... 20, four on four of them: the fourth smallest of eight is 2. On day 21 all are active.
  await source.allActive(students(4, 'seldom'), 'course', [0, 10, 21]);
  await source.allActive(students(4, 'often'), 'course', [0, 5, 10, 15, 21]);
  await source.ask(22);
  expect(source.classDay(21)).toMatchObject({ attending: 8, usual: 2 });
  expect(source.classDay(22)).toMatchObject({ attending: 8, usual: 2 }); // days 1 ... 21
});

test('today counts for the student', async () => {
  await source.allActive(students(8), 'course', days(0, 60));
  await source.active('back', 'course', [...days(0, 9), 50]);
  await source.ask(60);
  expect(source.openDays('back', 'attention')).toEqual(days(37, 60)); // from day 50 on 4 * 1 <= 21: 2 points
  await source.active('back', 'course', [51, 52, 53, 54, 55]);
  await source.ask(60);
  // On day 55 six days: 4 * 6 > 21, one point, and the alarm closes.
  expect(source.openDays('back', 'attention')).toEqual(days(37, 54));
  expect(source.flag('back', 'absent')).toMatchObject({ since: date(20), value: 6, severity: 'low' });
});

test('everybody stops: absence becomes unknown, then nothing is judged', async () => {
  // The class stops after day 30: u = 2 on day 50 (days 29, 30), 1 on day 51. Those of the class have a = 1 on day 50 (day 30), 2 * 1 <= 2.
  // Day 30 is among d - 28 ... d - 1 until day 58.
  await source.allActive(students(9), 'course', days(0, 30));
  await source.active('absentee', 'course', days(0, 9));
  await source.active('alone', 'course', days(0, 80));
  await source.ask(80);
  expect(source.classDay(50)).toMatchObject({ attending: 10, usual: 2 });
  expect(source.classDay(51)).toMatchObject({ attending: 10, usual: 1 });
  expect(source.classDay(58)).toMatchObject({ attending: 10, usual: 0 });
  expect(source.classDay(59)).toMatchObject({ attending: 1, usual: null });
  expect(source.openDays('absentee', 'attention')).toEqual(days(37, 50));
  expect(source.openDays('classmate 1', 'absent')).toEqual([50]);
  expect(source.openDays('classmate 1', 'attention')).toEqual([]);
  expect(source.openDays('alone', 'absent')).toEqual([]);
  expect(ofAttention(source.unsupported('alone'))).toEqual(ATTENTION);
  await source.ask(55);
  expect(ofAttention(source.unsupported('absentee'))).toEqual(REASONS);
});

test('a vacation', async () => {
  // Days 21 ... 44. u = 2 on day 40 (days 19, 20), 1 on day 41; on day 46 u = 1 (day 45), on day 47 u = 2.
  const school = [...days(0, 20), ...days(45, 80)];
  await source.allActive(students(9), 'course', school);
  await source.active('gone', 'course', days(0, 20));
  await source.ask(80);
  expect(source.openDays('classmate 1', 'absent')).toEqual([40]); // a = 1 (day 20)
  expect(source.openDays('gone', 'absent')).toEqual([40, ...days(47, 80)]);
  expect(source.openDays('gone', 'attention')).toEqual(days(48, 80)); // day 20 is among d - 27 ... d until day 47
  expect(source.flag('gone', 'absent')).toMatchObject({ since: date(47), value: 0, baseline: 21 });
  expect(source.openDays('classmate 1', 'attention')).toEqual([]);
});

test('a class that starts late', async () => {
  // One is active on day 0; the class, enrolled since then, begins on day 30: u = 1 on day 31, 2 on day 32.
  await source.active('author', 'course', [0]);
  for (const student of [...students(8), 'never']) await source.enrol(student, 'course', 0);
  await source.allActive(students(8), 'course', days(30, 60));
  await source.ask(60);
  expect(source.classDay(29)).toMatchObject({ attending: 0, usual: null }); // day 0 is among d - 28 ... d - 1 until day 28
  expect(source.classDay(28)).toMatchObject({ attending: 1, usual: null });
  expect(source.classDay(31)).toMatchObject({ attending: 8, usual: 1 });
  expect(source.openDays('never', 'absent')).toEqual(days(32, 60));
  expect(source.openDays('never', 'attention')).toEqual(days(32, 60));
  expect(source.openDays('classmate 1', 'absent')).toEqual([]);
});

test('who joins late is asked after fourteen days, and for work expected more than seven days later', async () => {
  const group = students(9);
  await source.allActive(group, 'course', days(0, 80));
  await source.submissions(group, 'course', [
    ['early', 45],
    ['late', 46],
  ]);
  await source.enrol('joined', 'course', 40); // 40 <= 47 - 7, but not 46 - 7
  await source.enrol('joined a day later', 'course', 41);
  await source.ask(80);
  expect(source.classDay(45)).toMatchObject({ source: null, expected: NOTHING });
  expect(source.classDay(80)).toMatchObject({ source: 'submission', expected: { early: date(46), late: date(47) } });
  expect([...source.flags('joined').keys()]).toEqual(days(40, 80));
  expect(source.openDays('joined', 'absent')).toEqual(days(54, 80));
  expect(source.openDays('joined', 'missing_work')).toEqual(days(47, 80));
  expect(source.openDays('joined', 'attention')).toEqual(days(54, 80)); // 2 points until then
  expect(source.flag('joined', 'missing_work')).toEqual({
    since: date(47),
    value: 1,
    baseline: 1,
    threshold: 1,
    method: 'class_work',
    severity: 'low', // from day 75 on it is of those expected earlier
    source: 'submission',
    items: ['late'],
  });
  expect(source.flag('joined', 'attention')).toMatchObject({
    since: date(54),
    value: 4,
    severity: 'medium',
    reasons: [
      { reason: 'absent', points: 3 },
      { reason: 'missing_work', points: 1 },
    ],
  });
  expect(source.openDays('joined a day later', 'missing_work')).toEqual([]);
  expect(ofAttention(source.unsupported('joined a day later'))).toEqual(['low_marks', 'missing_work']);
  await source.ask(74);
  expect(source.flag('joined', 'missing_work')).toMatchObject({ value: 1, baseline: 1, severity: 'medium' });
  expect(source.flag('joined', 'attention')).toMatchObject({ value: 5, severity: 'high' });
});

test('no first day, or one after the as-of day', async () => {
  // The last fact is of day 60: as of 66.
  await source.allActive(students(8), 'course', days(0, 60));
  await source.enrol('undated', 'course', null);
  await source.enrol('enrolled since', 'course', 70);
  await source.ask(90);
  for (const student of ['undated', 'enrolled since']) {
    expect(source.flags(student).size).toBe(0);
    expect(source.flag(student, 'attention')).toBeNull();
    expect(ofAttention(source.unsupported(student))).toEqual(REASONS);
  }
  expect(source.classDay(66)).toMatchObject({ attending: 8, usual: 16 }); // days 45 ... 60
  expect(source.classDay(67)).toBeUndefined();
});

test('a day that is active as of the day after, but not as of itself', async () => {
  // As in anomaly-inactivity: a minute past midnight clocks went back to the day before. As of the 6th the first known state is done,
  // as of the 7th it was reached on the 6th. So the class numbers of the 7th do not include it, those of the 8th do.
  const before = -4804; // 2010-11-06
  await source.allActive(students(7), 'course', days(before - 10, before + 20));
  await source.completion('eighth', 'course', [
    ['2010-11-07T02:30:30Z', 0], // 7 November
    ['2010-11-07T02:40:00Z', 1], // 6 November
  ]);
  await source.ask(before + 20, { institution_timezone: 'America/St_Johns' });
  expect(source.classDay(before + 1)).toMatchObject({ attending: 7, usual: null });
  expect(source.classDay(before + 2)).toMatchObject({ attending: 8, usual: 13 }); // one in the morning in UTC is the evening before
});

test('excluded students are no part of the class', async () => {
  await source.allActive(students(8), 'course', days(0, 20));
  await source.ask(20, { excluded_students: source.id('classmate 8') });
  expect(source.classDay(20)).toMatchObject({ attending: 7, usual: null });
});

test('the list: points, days inactive, order, who has gone', async () => {
  const gone: readonly (readonly [name: string, last: number])[] = [
    ['idle 61', 19],
    ['idle 60', 20],
    ['idle 40', 40],
    ['opened on day 73', 45],
    ['opened on day 74', 46],
  ];
  await source.allActive(students(9), 'course', days(0, 80));
  for (const [student, last] of gone) await source.active(student, 'course', days(0, last));
  await source.submissions([...students(9), ...gone.map(([student]) => student)], 'course', [['essay', 15]]);
  // Without the essay: 1 point from day 44 on, with the 2 of day 62 (days 42 ... 46 of day 62 - 20) the alarm.
  await source.active('no essay', 'course', days(0, 46));
  await source.enrol('never', 'course', 0); // no essay either
  await source.ask(80, { list_days: 'all' });
  const ids = (...listed: string[]): string[] => listed.map((name) => source.id(name));
  expect(source.flag('no essay', 'attention')).toMatchObject({ value: 4, since: date(62) });
  expect(source.flag('never', 'attention')).toMatchObject({ value: 4, since: date(14) });
  expect(source.flag('idle 61', 'attention')).toMatchObject({ value: 3, since: date(47) });
  expect(source.listed()).toEqual(
    ids('no essay', 'never', 'idle 60', 'idle 40', 'opened on day 73', 'opened on day 74'),
  );
  // Seven days are 74 ... 80; eight days begin with day 73.
  await source.ask(80);
  expect(source.listed()).toEqual(ids('opened on day 74'));
  await source.ask(80, { list_days: '8' });
  expect(source.listed()).toEqual(ids('opened on day 73', 'opened on day 74'));
  await source.ask(80, { list_days: 'all', list_course: source.id('another course') });
  expect(source.listed()).toEqual([]);
});
