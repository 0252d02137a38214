import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ATTENTION, date, days, FlagSource } from './flag-source.ts';

let source: FlagSource;
beforeAll(async () => {
  source = await FlagSource.create('anomaly_inactivity');
});
afterAll(() => source.drop());
beforeEach(() => source.clear());

const TODAY = 80;
/** Others in the course: its first event is of day 5, if no one here was earlier, and its last of today. */
const others = (): Promise<void> => source.active('others', 'course', [5, TODAY]);

const ALL = [
  ...ATTENTION,
  'engagement_drop',
  'engagement_spike',
  'grade_drop',
  'grade_outlier',
  'grade_spike',
  'inactivity',
].sort();
const ALL_OTHERS = ALL.filter((name) => name !== 'inactivity');

test('three times the median gap, seven days at least, sixty days at most', async () => {
  await others();
  // Gaps 2 and 3: median 2.5, limit 7.5: idle 8 ... 60 from day 5 on.
  await source.active('even', 'course', [0, 2, 5]);
  // Gaps 1 and 1: limit 7 and not 3; strictly beyond, so from idle 8 on.
  await source.active('least', 'course', [0, 1, 2]);
  // Gaps 1, 1, 4: median 1.
  await source.active('odd', 'course', [0, 1, 2, 6]);
  // Gaps 20 and 20: limit 60, which is where it ends.
  await source.active('never', 'course', [0, 20, 40]);
  // Gaps 19 and 20: limit 58.5. Before the third active day the limit is 14: idle 15 ... 18 after day 0, 15 ... 19 after day 19.
  await source.active('barely', 'course', [0, 19, 39]);
  await source.ask(TODAY + 20); // the course's last fact is of day 80: as of 86
  expect(source.openDays('even', 'inactivity')).toEqual(days(13, 65));
  expect(source.openDays('least', 'inactivity')).toEqual(days(10, 62));
  expect(source.openDays('odd', 'inactivity')).toEqual(days(14, 66));
  expect(source.openDays('never', 'inactivity')).toEqual([...days(15, 19), ...days(35, 39)]);
  expect(source.openDays('barely', 'inactivity')).toEqual([...days(15, 18), ...days(34, 38)]);
  expect([...source.flags('barely').keys()]).toEqual(days(0, 86));
  expect(source.flag('even', 'inactivity')).toBeNull();
  expect(source.unsupported('even')).toEqual(ALL_OTHERS);
});

test('at the limit, severity, since when', async () => {
  await others();
  // Gaps 5 and 5: limit 15; medium from 22.5 on, high from 30.
  for (const last of [65, 64, 58, 57, 51, 50]) {
    await source.active(`idle ${TODAY - last}`, 'course', [last - 10, last - 5, last]);
  }
  // Gaps 1, 1 and 18: median 1, limit 7. Back on day 20, so the run begins on day 28; idle 60 on day 80 is the last.
  await source.active('back', 'course', [0, 1, 2, 20]);
  await source.active('gone', 'course', [0, 1, 2, 19]);
  await source.ask(TODAY);
  const open = { baseline: 5, threshold: 15, method: 'own_gap' };
  const since = (idle: number): string => date(TODAY - idle + 16);
  expect(source.flag('idle 15', 'inactivity')).toBeNull();
  expect(source.flag('idle 16', 'inactivity')).toEqual({ ...open, since: since(16), value: 16, severity: 'low' });
  expect(source.flag('idle 22', 'inactivity')).toEqual({ ...open, since: since(22), value: 22, severity: 'low' });
  expect(source.flag('idle 23', 'inactivity')).toEqual({ ...open, since: since(23), value: 23, severity: 'medium' });
  expect(source.flag('idle 29', 'inactivity')).toEqual({ ...open, since: since(29), value: 29, severity: 'medium' });
  expect(source.flag('idle 30', 'inactivity')).toEqual({ ...open, since: since(30), value: 30, severity: 'high' });
  expect(source.flag('back', 'inactivity')).toEqual({
    since: date(28),
    value: 60,
    baseline: 1,
    threshold: 7,
    method: 'own_gap',
    severity: 'high',
  });
  expect(source.openDays('back', 'inactivity')).toEqual([...days(10, 19), ...days(28, 80)]);
  expect(source.flag('gone', 'inactivity')).toBeNull();
});

test('a limit and a median with a half', async () => {
  await others();
  // Gaps 4 and 5: median 4.5, limit 13.5; r = 27 / 13.5 = 2.
  await source.active('student', 'course', [44, 48, 53]);
  await source.ask(TODAY);
  expect(source.flag('student', 'inactivity')).toEqual({
    since: date(67), // idle 14
    value: 27,
    baseline: 4.5,
    threshold: 13.5,
    method: 'own_gap',
    severity: 'high',
  });
});

test('fourteen days with fewer than three active days', async () => {
  await others();
  await source.active('idle 14', 'course', [60, 66]);
  for (const idle of [15, 20, 21, 27, 28]) await source.active(`idle ${idle}`, 'course', [60 - idle, TODAY - idle]);
  await source.active('one, idle 60', 'course', [20]);
  await source.active('one, idle 61', 'course', [19]);
  // A later active day counts, not the enrolment; an undated enrolment makes no difference.
  await source.enrol('one, idle 60', 'course', 0);
  await source.enrol('one, idle 61', 'course', null);
  await source.ask(TODAY);
  const open = { baseline: null, threshold: 14, method: 'own_gap' };
  const since = (idle: number): string => date(TODAY - idle + 15);
  expect(source.flag('idle 14', 'inactivity')).toBeNull();
  expect(source.flag('idle 15', 'inactivity')).toEqual({ ...open, since: since(15), value: 15, severity: 'low' });
  expect(source.flag('idle 20', 'inactivity')).toEqual({ ...open, since: since(20), value: 20, severity: 'low' });
  expect(source.flag('idle 21', 'inactivity')).toEqual({ ...open, since: since(21), value: 21, severity: 'medium' });
  expect(source.flag('idle 27', 'inactivity')).toEqual({ ...open, since: since(27), value: 27, severity: 'medium' });
  expect(source.flag('idle 28', 'inactivity')).toEqual({ ...open, since: since(28), value: 28, severity: 'high' });
  expect(source.flag('one, idle 60', 'inactivity')).toEqual({ ...open, since: since(60), value: 60, severity: 'high' });
  expect(source.flag('one, idle 61', 'inactivity')).toBeNull();
  expect(source.unsupported('one, idle 61')).toEqual(ALL_OTHERS);
});

test('never active: from the later of the enrolment and the first event of the course', async () => {
  await others(); // day 5
  await source.enrol('early', 'course', 3);
  await source.enrol('late', 'course', 10);
  await source.enrol('idle 14', 'course', 66);
  await source.enrol('idle 15', 'course', 65);
  await source.enrol('undated', 'course', null);
  // The earliest known of several enrolments counts.
  await source.enrol('twice', 'course', 64);
  await source.enrol('twice', 'course', 70);
  await source.enrol('twice', 'course', null);
  // First active more than fourteen days after the enrolment: open in between.
  await source.enrol('slow', 'course', 6);
  await source.active('slow', 'course', [30]);
  await source.ask(TODAY);
  const open = { baseline: null, threshold: 14, method: 'own_gap' };
  expect(source.openDays('early', 'inactivity')).toEqual(days(20, 65));
  expect(source.openDays('late', 'inactivity')).toEqual(days(25, 70));
  expect(source.flag('idle 14', 'inactivity')).toBeNull();
  expect(source.unsupported('idle 14')).toEqual(ALL_OTHERS);
  expect(source.flag('idle 15', 'inactivity')).toEqual({ ...open, since: date(80), value: 15, severity: 'low' });
  expect(source.flag('twice', 'inactivity')).toEqual({ ...open, since: date(79), value: 16, severity: 'low' });
  expect(source.unsupported('undated')).toEqual(ALL);
  expect(source.flags('undated').size).toBe(0); // no first day
  expect(source.openDays('slow', 'inactivity')).toEqual([...days(21, 29), ...days(45, 80)]);
});

test('a course with completions alone has no first event, but may have active days', async () => {
  // Not done on day 20, done on day 60: reached, active on day 60 alone. Done from the start: no activity.
  await source.completion('reached', 'course', [
    [20, 0],
    [60, 1],
  ]);
  await source.completion('done before', 'course', [[20, 1]]);
  await source.enrol('enrolled', 'course', 20);
  await source.completion('last fact', 'course', [
    [20, 0],
    [TODAY, 2],
  ]);
  await source.ask(TODAY);
  expect(source.flag('reached', 'inactivity')).toMatchObject({ since: date(75), value: 20 });
  expect(source.unsupported('reached')).toEqual(ALL_OTHERS);
  expect(source.unsupported('done before')).toEqual(ALL);
  expect(source.unsupported('enrolled')).toEqual(ALL);
});

test('as of the course, not as of today', async () => {
  // The last fact is of day 80, so the as-of day is 86, though today is day 100.
  await others();
  await source.active('idle 16', 'course', [70]);
  await source.enrol('enrolled since', 'course', 90); // a row, and nothing open before its enrolment
  await source.enrol('enrolled tomorrow', 'course', 101);
  await source.ask(100);
  expect(source.flag('idle 16', 'inactivity')).toMatchObject({ since: date(85), value: 16 });
  expect(source.flag('enrolled since', 'inactivity')).toBeNull();
  expect(source.unsupported('enrolled since')).toEqual(ALL_OTHERS);
  expect(source.flags('enrolled since').size).toBe(0);
  expect(() => source.flag('enrolled tomorrow', 'inactivity')).toThrow('not one row');
});

test('an enrolment in a course without a fact', async () => {
  await source.enrol('student', 'course', 10);
  await source.ask(TODAY);
  expect(source.unsupported('student')).toEqual(ALL);
  expect(source.flags('student').size).toBe(0);
});

test('a day that is active as of the day after but not as of itself, and the other way round', async () => {
  // In St. John's on 2010-11-07 a minute past midnight (02:31 UTC) clocks went back to 23:01 of the day before.
  const zone = { institution_timezone: 'America/St_Johns' };
  const before = -4804; // 2010-11-06
  expect(date(before)).toBe('2010-11-06');
  const [thatMinute, thenAgain] = ['2010-11-07T02:30:30Z', '2010-11-07T02:40:00Z']; // 7 November, 6 November
  // One in the morning in UTC is in the evening of the day before: 17 October, 16 November.
  for (const student of ['later', 'that day']) await source.active(student, 'course', [before - 19]);
  // As of the 6th there is no row of the 7th, and the first known state is done. As of the 7th it was not done before.
  await source.completion('later', 'course', [
    [thatMinute, 0],
    [thenAgain, 1],
  ]);
  // As of the 6th the state turns from not done to done on the 6th, as of the 7th on the 7th.
  await source.completion('that day', 'course', [
    [before - 1, 0],
    [thatMinute, 1],
    [thenAgain, 1],
  ]);
  await source.active('others', 'course', [before + 11]);
  await source.ask(before + 30, zone);
  expect(source.openDays('later', 'inactivity')).toEqual([
    ...days(before - 5, before),
    ...days(before + 15, before + 16),
  ]);
  expect(source.openDays('that day', 'inactivity')).toEqual([...days(before - 5, before - 1), before + 16]);
  expect(source.flag('later', 'inactivity')).toMatchObject({ since: date(before + 15), value: 16 });
});
