import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ATTENTION, date, days, FlagSource, type Grade } from './flag-source.ts';

let source: FlagSource;
beforeAll(async () => {
  source = await FlagSource.create('anomaly_grades');
});
afterAll(() => source.drop());
beforeEach(async () => {
  await source.clear();
  await source.active('others', 'course', [0, TODAY]);
});

const TODAY = 60;
const GRADE_FLAGS = ['grade_drop', 'grade_outlier', 'grade_spike'];

/** Items a, b, c … on days 1, 2, 3 … */
const earlier = (...values: number[]): Grade[] => values.map((value, n) => [String.fromCharCode(97 + n), value, n + 1]);

describe('grade_drop and grade_spike', () => {
  test('the median absolute deviation, at the limit, half as much again and twice', async () => {
    // Grades 53.255 twice and 66.745 twice: median 60, MAD 6.745, sigma 10, limit 30.
    const before: Grade[] = [532.55, 532.55, 667.45, 667.45].map((value, n) => [`item ${n}`, value, n + 1, 1000]);
    for (const last of [300, 300.1, 150, 150.1, 0, 0.1, 900, 899.9]) {
      await source.grades(`${last}`, 'course', [...before, ['last', last, 40, 1000]]);
    }
    await source.ask(TODAY, { zero_grades: 'graded' });
    const open = { since: date(40), baseline: 60, threshold: 30, method: 'modified_z', item: 'last' };
    expect(source.flag('300', 'grade_drop')).toEqual({ ...open, value: 30, severity: 'low' });
    expect(source.flag('300', 'grade_spike')).toBeNull();
    expect(source.flag('300.1', 'grade_drop')).toBeNull();
    expect(source.flag('150', 'grade_drop')).toEqual({ ...open, value: 15, severity: 'medium' });
    expect(source.flag('150.1', 'grade_drop')).toEqual({ ...open, value: 15.01, severity: 'low' });
    expect(source.flag('0', 'grade_drop')).toEqual({ ...open, value: 0, severity: 'high' });
    expect(source.flag('0.1', 'grade_drop')).toEqual({ ...open, value: 0.01, severity: 'medium' });
    expect(source.flag('900', 'grade_spike')).toEqual({ ...open, value: 90, threshold: 90, severity: 'low' });
    expect(source.flag('900', 'grade_drop')).toBeNull();
    expect(source.flag('899.9', 'grade_spike')).toBeNull();
    // Without zeros there are four graded items.
    await source.ask(TODAY);
    expect(source.flag('0', 'grade_drop')).toBeNull();
    expect(source.unsupported('0')).toEqual(expect.arrayContaining(GRADE_FLAGS));
    expect(source.unsupported('0.1')).not.toEqual(expect.arrayContaining(['grade_drop']));
  });

  test('the mean deviation where the median deviation is 0', async () => {
    // 60, 80, 80, 80, 80: median 80, MAD 0, mean deviation 4, limit 3 * 1.253314 * 4 = 15.039768: up to 64.960232.
    const before = earlier(60, 80, 80, 80, 80);
    await source.grades('beyond', 'course', [...before, ['last', 64.96, 40]]);
    await source.grades('within', 'course', [...before, ['last', 64.97, 40]]);
    await source.ask(TODAY);
    expect(source.flag('beyond', 'grade_drop')).toEqual({
      since: date(40),
      value: 64.96,
      baseline: 80,
      threshold: 64.96,
      method: 'modified_z',
      severity: 'low',
      item: 'last',
    });
    expect(source.flag('within', 'grade_drop')).toBeNull();
  });

  test('ten points where all grades before are the same; numbers of different maxima', async () => {
    // 8 of 10, 16 of 20, 24 of 30, 80 of 100 are all 80; 21 of 30 is exactly 70.
    const before: Grade[] = [
      ['a', 8, 1, 10],
      ['b', 16, 2, 20],
      ['c', 24, 3, 30],
      ['d', 80, 4, 100],
    ];
    await source.grades('at', 'course', [...before, ['last', 21, 40, 30]]);
    await source.grades('within', 'course', [...before, ['last', 21.003, 40, 30]]); // 70.01
    await source.ask(TODAY);
    expect(source.flag('at', 'grade_drop')).toMatchObject({ value: 70, baseline: 80, threshold: 70, severity: 'low' });
    expect(source.flag('within', 'grade_drop')).toBeNull();
  });

  test('five graded items', async () => {
    await source.grades('four', 'course', [...earlier(80, 80, 80), ['last', 10, 40]]);
    await source.grades('five', 'course', [...earlier(80, 80, 80, 80), ['last', 10, 40]]);
    // Neither the grade of the whole course nor that of a category is an item.
    await source.grades('course', 'course', [
      ...earlier(80, 80, 80),
      ['last', 10, 40],
      ['Course', 50, 41],
      ['category', 5, 42],
    ]);
    await source.ask(TODAY);
    expect(source.unsupported('four')).toEqual(expect.arrayContaining(GRADE_FLAGS));
    expect(source.unsupported('course')).toEqual(expect.arrayContaining(GRADE_FLAGS));
    expect(source.unsupported('others')).toEqual(expect.arrayContaining(GRADE_FLAGS));
    expect(source.unsupported('five')).toEqual(
      [...ATTENTION, 'engagement_drop', 'engagement_spike', 'inactivity'].sort(), // neither active nor enrolled
    );
    expect(source.flag('four', 'grade_drop')).toBeNull();
    expect(source.flag('five', 'grade_drop')).toMatchObject({ severity: 'high' });
  });

  test('thirty days', async () => {
    const before = earlier(80, 80, 80, 80);
    await source.grades('in', 'course', [...before, ['last', 60, 31]]); // as of day 60 the window is days 31 ... 60
    await source.grades('out', 'course', [...before, ['last', 60, 30]]);
    await source.ask(TODAY);
    expect(source.flag('in', 'grade_drop')).toMatchObject({ since: date(31) });
    expect(source.flag('out', 'grade_drop')).toBeNull();
    expect(source.flag('out', 'grade_outlier')).toBeNull();
    expect(source.unsupported('out')).not.toContain('grade_drop');
    expect(source.openDays('out', 'grade_drop')).toEqual(days(30, 59));
    expect(source.openDays('out', 'grade_outlier')).toEqual(days(30, 59));
    expect(source.flags('out').get(31)).toEqual(['grade_drop', 'grade_outlier']);
    expect(source.flags('out').get(29)).toEqual([]);
  });

  test('of items graded at one time the last is by the bytes of its name', async () => {
    const before = earlier(80, 80, 80, 80);
    await source.grades('f is last', 'course', [...before, ['f', 60, 40], ['e', 80, 40]]);
    await source.grades('f is before', 'course', [...before, ['f', 80, 40], ['e', 60, 40]]);
    await source.grades('É after z', 'course', [...before, ['Éa', 60, 40], ['z', 80, 40]]);
    await source.grades('Z before a', 'course', [...before, ['Z', 60, 40], ['a2', 80, 40]]);
    await source.ask(TODAY);
    expect(source.flag('f is last', 'grade_drop')).toMatchObject({ item: 'f' });
    expect(source.flag('f is before', 'grade_drop')).toBeNull();
    expect(source.flag('É after z', 'grade_drop')).toMatchObject({ item: 'Éa' });
    expect(source.flag('Z before a', 'grade_drop')).toBeNull();
  });

  test('since: a run ends when the grade is fixed, and another begins', async () => {
    // 60 on day 40, 80 on day 45, 60 again on day 50, which is the grade of day 40: open to day 69, but for days 45 ... 49.
    const changed: Grade[] = [60, 80, 60].map((value, n) => ['last', value, 40 + 5 * n]);
    await source.grades('fixed', 'course', [...earlier(80, 80, 80, 80), ...changed]);
    // Repeats change nothing, and a run goes on from one item to the next.
    const repeated: Grade[] = days(40, 60).map((day) => ['last', 60, day]);
    await source.grades('repeated', 'course', [...earlier(80, 80, 80, 80), ...repeated]);
    await source.grades('next', 'course', [...earlier(80, 80, 80, 80), ['e', 60, 40], ['f', 55, 50]]);
    await source.ask(TODAY);
    expect(source.flag('fixed', 'grade_drop')).toMatchObject({ since: date(50), value: 60 });
    expect(source.openDays('fixed', 'grade_drop')).toEqual([...days(40, 44), ...days(50, 60)]);
    expect(source.openDays('repeated', 'grade_drop')).toEqual(days(40, 60));
    // 80 four times and 60: median 80, mean deviation 4, limit 15.04; 55 is 25 under, 1.66 times.
    expect(source.flag('next', 'grade_drop')).toMatchObject({
      since: date(40),
      item: 'f',
      value: 55,
      severity: 'medium',
    });
  });
});

describe('grade_outlier', () => {
  test('strictly beyond ten points where the quartiles are the same', async () => {
    const before = earlier(80, 80, 80, 80);
    await source.grades('at', 'course', [...before, ['last', 70, 40]]);
    await source.grades('beyond', 'course', [...before, ['last', 69.99, 40]]);
    await source.grades('above', 'course', [...before, ['last', 95, 40]]); // 15 of 10
    await source.grades('same', 'course', [...before, ['last', 80, 40]]);
    await source.ask(TODAY);
    expect(source.flag('at', 'grade_outlier')).toBeNull();
    const open = { since: date(40), baseline: 80, method: 'tukey', item: 'last' };
    expect(source.flag('beyond', 'grade_outlier')).toEqual({ ...open, value: 69.99, threshold: 70, severity: 'low' });
    expect(source.flag('above', 'grade_outlier')).toEqual({ ...open, value: 95, threshold: 90, severity: 'medium' });
    expect(source.flag('same', 'grade_outlier')).toBeNull();
    expect(source.flags('same').get(TODAY)).toEqual([]);
  });

  test('one and a half interquartile ranges', async () => {
    // 20, 50, 60, 70, 80: quartiles 50 and 70, range 20, fences 50 - 30 and 70 + 30.
    await source.grades('at', 'course', [...earlier(50, 60, 70, 80), ['last', 20, 40]]);
    await source.grades('beyond', 'course', [...earlier(50, 60, 70, 80), ['last', 19.99, 40]]);
    await source.ask(TODAY);
    expect(source.flag('at', 'grade_outlier')).toBeNull();
    expect(source.flag('beyond', 'grade_outlier')).toEqual({
      since: date(40),
      value: 19.99,
      baseline: 50,
      threshold: 20,
      method: 'tukey',
      severity: 'low',
      item: 'last',
    });
  });

  test('quartiles between two grades', async () => {
    // Six grades, places 1.25 and 3.75: 60 + 0.25 * 2 = 60.5, 64 + 0.75 * 2 = 65.5; 1.5 * 5 is under ten points: fence 50.5.
    for (const last of [50.5, 50.49, 45.51, 45.5, 40.51, 40.5]) {
      await source.grades(`${last}`, 'course', [...earlier(60, 62, 64, 66, 68), ['last', last, 40]]);
    }
    // Seven grades, places 1.5 and 4.5: 61 and 71 (of 10, 60, 62, 64, 70, 72, 74), range 10: fence 61 - 15 = 46, r = 51 / 15.
    await source.grades('seven', 'course', [...earlier(60, 62, 64, 70, 72, 74), ['last', 10, 40]]);
    await source.ask(TODAY);
    const open = { baseline: 60.5, threshold: 50.5 };
    expect(source.flag('50.5', 'grade_outlier')).toBeNull();
    expect(source.flag('50.49', 'grade_outlier')).toMatchObject({ ...open, severity: 'low' });
    expect(source.flag('45.51', 'grade_outlier')).toMatchObject({ ...open, severity: 'low' });
    expect(source.flag('45.5', 'grade_outlier')).toMatchObject({ ...open, severity: 'medium' });
    expect(source.flag('40.51', 'grade_outlier')).toMatchObject({ ...open, severity: 'medium' });
    expect(source.flag('40.5', 'grade_outlier')).toMatchObject({ ...open, severity: 'high' });
    expect(source.flag('seven', 'grade_outlier')).toMatchObject({ baseline: 61, threshold: 46, severity: 'high' });
  });

  test('the farthest, of several the latest, of the last thirty days', async () => {
    const usual = earlier(80, 80, 80, 80, 80, 80, 80);
    await source.grades('tie', 'course', [...usual, ['low', 60, 40], ['high', 100, 41]]);
    await source.grades('tie of one time', 'course', [...usual, ['m', 60, 40], ['n', 100, 40]]);
    await source.grades('farther', 'course', [...usual, ['low', 59, 40], ['high', 100, 41]]);
    // The farthest is of day 20: as of day 50 only the nearer one is left.
    await source.grades('passed', 'course', [...usual, ['low', 40, 20], ['high', 95, 40]]);
    // A good last grade, and an outlier before it.
    await source.grades('not last', 'course', [...usual, ['low', 60, 40], ['fine', 80, 50]]);
    await source.ask(TODAY);
    expect(source.flag('tie', 'grade_outlier')).toMatchObject({
      item: 'high',
      value: 100,
      threshold: 90,
      since: date(40),
      severity: 'high',
    });
    expect(source.flag('tie of one time', 'grade_outlier')).toMatchObject({ item: 'n' });
    expect(source.flag('farther', 'grade_outlier')).toMatchObject({ item: 'low', value: 59, threshold: 70 });
    expect(source.flag('passed', 'grade_outlier')).toMatchObject({ item: 'high', since: date(20), severity: 'medium' });
    expect(source.flag('not last', 'grade_outlier')).toMatchObject({ item: 'low' });
    expect(source.flag('not last', 'grade_drop')).toBeNull();
  });

  test('names of several flags in order', async () => {
    await source.active('student', 'course', [10]);
    await source.grades('student', 'course', [...earlier(80, 80, 80, 80), ['last', 10, 40]]);
    await source.ask(TODAY);
    expect(source.flags('student').get(TODAY)).toEqual(['grade_drop', 'grade_outlier', 'inactivity']);
    expect(source.flags('student').get(39)).toEqual(['inactivity']);
    expect([...source.flags('student').keys()]).toEqual(days(1, TODAY));
  });
});
