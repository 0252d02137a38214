import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { date, FlagSource, times } from './flag-source.ts';

let source: FlagSource;
beforeAll(async () => {
  source = await FlagSource.create('anomaly_engagement');
});
afterAll(() => source.drop());
beforeEach(() => source.clear());

const GRADES = ['grade_drop', 'grade_outlier', 'grade_spike'];

describe('engagement_drop and engagement_spike', () => {
  test('ten points from the median, where all means are the same', async () => {
    // As of day 40 the baseline is ma7 of days 6 ... 33, all 70: MAD and mean deviation 0, so the limit is 10 points.
    // ma7 = (6 * 70 + 0) / 7 = 60: exactly 10 away, open. (6 * 70 + 1) / 7 = 60.14: closed.
    await source.scores('at', 'course', [...times(40, 70), 0]);
    await source.scores('under', 'course', [...times(40, 70), 1]);
    // (6 * 10 + 80) / 7 = 20 and (6 * 10 + 79) / 7 = 19.86, from 10.
    await source.scores('at above', 'course', [...times(40, 10), 80]);
    await source.scores('under above', 'course', [...times(40, 10), 79]);
    await source.ask(40);
    expect(source.flag('at', 'engagement_drop')).toEqual({
      since: date(40),
      value: 60,
      baseline: 70,
      threshold: 60,
      method: 'modified_z',
      severity: 'low',
    });
    expect(source.flag('at', 'engagement_spike')).toBeNull();
    expect(source.flag('under', 'engagement_drop')).toBeNull();
    expect(source.unsupported('under')).toEqual(
      [...GRADES, 'engagement_shift', 'sustained_low'].sort(), // as of day 40 their baseline is days 0 ... 12
    );
    expect(source.flag('at above', 'engagement_spike')).toEqual({
      since: date(40),
      value: 20,
      baseline: 10,
      threshold: 20,
      method: 'modified_z',
      severity: 'low',
    });
    expect(source.flag('at above', 'engagement_drop')).toBeNull();
    expect(source.flag('under above', 'engagement_spike')).toBeNull();
  });

  test('severity at half as much again and at twice the limit; since when', async () => {
    // Day 40: 300 / 7 = 42.86, 7.14 under 50. Day 41: 250 / 7 = 35.71, 14.29 under, open. Day 42: (200 + last) / 7.
    // 35.14: 14.86 under, low. 35: 15 under, medium. 30.14: 19.86 under. 30: 20 under, high.
    for (const last of [46, 45, 11, 10]) await source.scores(`${last}`, 'course', [...times(40, 50), 0, 0, last]);
    await source.ask(42);
    const open = { since: date(41), baseline: 50, threshold: 40, method: 'modified_z' };
    expect(source.flag('46', 'engagement_drop')).toEqual({ ...open, value: 35.14, severity: 'low' });
    expect(source.flag('45', 'engagement_drop')).toEqual({ ...open, value: 35, severity: 'medium' });
    expect(source.flag('11', 'engagement_drop')).toEqual({ ...open, value: 30.14, severity: 'medium' });
    expect(source.flag('10', 'engagement_drop')).toEqual({ ...open, value: 30, severity: 'high' });
    expect(source.openDays('10', 'engagement_drop')).toEqual([41, 42]);
  });

  test('the median absolute deviation, at the threshold and just below it', async () => {
    // Seven days of 70, seven of 77: ma7 is 70 seven times, then 71 ... 77. As of day 20 these 14 are the baseline: median 70.5,
    // deviations 0.5 eight times, then 1.5 ... 6.5: MAD 0.5. Days 14 ... 20 sum to 388: ma7 55.43, which is 15.07 under.
    // 15.07 = threshold * 0.5 / 0.6745 for the threshold 30.14 * 0.6745 = 20.32943.
    await source.scores('student', 'course', [...times(7, 70), ...times(7, 77), ...times(6, 55), 58]);
    await source.ask(20, { outlier_threshold: '20.32943' });
    expect(source.flag('student', 'engagement_drop')).toEqual({
      since: date(20),
      value: 55.43,
      baseline: 70.5,
      threshold: 55.43,
      method: 'modified_z',
      severity: 'low',
    });
    await source.ask(20, { outlier_threshold: '20.32944' });
    expect(source.flag('student', 'engagement_drop')).toBeNull();
  });

  test('the mean deviation where the median deviation is 0', async () => {
    // Ten days of 70, then 77: the baseline is 70 ten times, 71, 72, 73, 74: median 70, MAD 0, mean deviation 10 / 14.
    // Limit 20 * 1.253314 * 10 / 14 = 17.904486: up to 52.095514. 364 / 7 = 52 is open, 365 / 7 = 52.14 closed.
    const baseline = [...times(10, 70), ...times(4, 77)];
    await source.scores('beyond', 'course', [...baseline, ...times(7, 52)]);
    await source.scores('within', 'course', [...baseline, ...times(6, 52), 53]);
    await source.ask(20, { outlier_threshold: '20' });
    expect(source.flag('beyond', 'engagement_drop')).toEqual({
      since: date(20),
      value: 52,
      baseline: 70,
      threshold: 52.1,
      method: 'modified_z',
      severity: 'low',
    });
    expect(source.flag('within', 'engagement_drop')).toBeNull();
  });

  test('fourteen days, four of them above 0', async () => {
    // As of day 20 the baseline is days 0 ... 13: fourteen from day 0, thirteen from day 1.
    await source.scores('fourteen', 'course', times(21, 5));
    await source.scores('thirteen', 'course', times(20, 5), 1);
    await source.scores('four', 'course', [5, 5, 5, 5, ...times(10, 0), ...times(7, 5)]);
    await source.scores('three', 'course', [5, 5, 5, 0, ...times(10, 0), ...times(7, 5)]);
    await source.ask(20);
    const never = [...GRADES, 'engagement_shift', 'sustained_low'].sort();
    const unknown = [...never, 'engagement_drop', 'engagement_spike'].sort();
    expect(source.unsupported('fourteen')).toEqual(never);
    expect(source.unsupported('four')).toEqual(never);
    expect(source.unsupported('thirteen')).toEqual(unknown);
    expect(source.unsupported('three')).toEqual(unknown);
  });

  test('days that store no mean are in no baseline of means', async () => {
    // The first day is the grade's, day 0; there is an engagement row, and so a stored ma7, from the first login or enrolment on.
    // As of day 20 the baseline is days 0 ... 13 of which 8 (from day 6) or all are stored.
    await source.active('other', 'course', [0, 20]);
    await source.scores('other', 'course', [1]);
    for (const student of ['late', 'enrolled']) {
      await source.grades(student, 'course', [['quiz', 50, 0]]);
      await source.scores(student, 'course', times(15, 5), 6);
    }
    await source.enrol('enrolled', 'course', 0);
    await source.ask(20);
    expect(source.unsupported('late')).toContain('engagement_drop');
    expect(source.unsupported('enrolled')).not.toContain('engagement_drop');
  });
});

/** Days 0 ... 14 with mean 15 and variance 14 * 25 / 14 = 25, then 28 days of which the last are given and the others 15. */
const around15 = (...last: number[]): number[] => [
  ...times(7, [10, 20]).flat(),
  15,
  ...times(28 - last.length, 15),
  ...last,
];

describe('engagement_shift', () => {
  // As of day 42 the baseline is days 0 ... 14 and the chart days 15 ... 42: mean 15, sigma 5, threshold 25, m * sigma / 2 = 2.5 m.
  const open = { since: date(42), baseline: 15, threshold: 25, method: 'cusum' };

  test('beyond five sigma, upwards and downwards', async () => {
    await source.scores('up at', 'course', around15(30, 30)); // 15 + 15 - 5 = 25
    await source.scores('up beyond', 'course', around15(30, 31)); // 26
    await source.scores('down at', 'course', around15(0, 0)); // 15 + 15 - 5 = 25
    await source.scores('down beyond', 'course', around15(0, 0, 0)); // 45 - 7.5 = 37.5, half as much again
    await source.ask(42);
    expect(source.flag('up at', 'engagement_shift')).toBeNull();
    expect(source.flag('up beyond', 'engagement_shift')).toEqual({
      ...open,
      value: 26,
      severity: 'low',
      direction: 'up',
    });
    expect(source.flag('down at', 'engagement_shift')).toBeNull();
    expect(source.flag('down beyond', 'engagement_shift')).toEqual({
      ...open,
      value: 37.5,
      severity: 'medium',
      direction: 'down',
    });
    expect(source.unsupported('up at')).toEqual(GRADES);
  });

  test('severity at half as much again and at twice the threshold', async () => {
    await source.scores('low', 'course', around15(54)); // 39 - 2.5 = 36.5
    await source.scores('medium', 'course', around15(55)); // 37.5
    // As of day 41 (days 0 ... 13, sigma = sqrt(14 * 25 / 13) = 5.19) 40 is 25 - 2.59 = 22.4 of 25.9: closed.
    await source.scores('still medium', 'course', around15(40, 44)); // 25 + 29 - 5 = 49
    await source.scores('high', 'course', around15(40, 45)); // 50
    await source.ask(42);
    const up = { ...open, direction: 'up' };
    expect(source.flag('low', 'engagement_shift')).toEqual({ ...up, value: 36.5, severity: 'low' });
    expect(source.flag('medium', 'engagement_shift')).toEqual({ ...up, value: 37.5, severity: 'medium' });
    expect(source.flag('still medium', 'engagement_shift')).toEqual({ ...up, value: 49, severity: 'medium' });
    expect(source.flag('high', 'engagement_shift')).toEqual({ ...up, value: 50, severity: 'high' });
  });

  test('the larger of both directions, up if equal', async () => {
    // Last day v: up v - 15 - 2.5. Last seven days: down 5 * 15 + 14 - (v - 15) - 17.5. v = 52: 34.5 both. v = 51: 33.5 and 35.5.
    // As of day 41 the six low days are 89 - 6 * 2.59 down: open, while day 40 has a baseline of 13 days.
    await source.scores('equal', 'course', around15(0, 0, 0, 0, 0, 1, 52));
    await source.scores('down', 'course', around15(0, 0, 0, 0, 0, 1, 51));
    await source.ask(42);
    const both = { ...open, since: date(41), severity: 'low' };
    expect(source.flag('equal', 'engagement_shift')).toEqual({ ...both, value: 34.5, direction: 'up' });
    expect(source.flag('down', 'engagement_shift')).toEqual({ ...both, value: 35.5, direction: 'down' });
  });

  test('a sigma that is irrational', async () => {
    // From day 1 on: the baseline is 14 days, variance 14 * 25 / 13, sigma 5.1887452166. S = 45 - 2.5943726083, threshold 25.9437260831.
    await source.scores('other', 'course', [1]);
    await source.scores('student', 'course', [...times(7, [10, 20]).flat(), ...times(27, 15), 60], 1);
    await source.ask(42);
    expect(source.flag('student', 'engagement_shift')).toEqual({
      ...open,
      value: 42.405627,
      threshold: 25.943726,
      severity: 'medium', // 1.63
      direction: 'up',
    });
  });

  test('never with a sigma of 0, unknown with fewer than fourteen days or four above 0', async () => {
    await source.scores('flat', 'course', [...times(15, 15), ...times(28, 0)]);
    await source.scores('four', 'course', [...times(11, 0), 5, 5, 5, 5, ...times(28, 40)]);
    await source.scores('three', 'course', [...times(12, 0), 5, 5, 5, ...times(28, 40)]);
    for (const student of ['four', 'three']) await source.enrol(student, 'course', 0);
    await source.scores('short', 'course', times(41, 15), 2);
    // The grade's day is the first day, and its days before any engagement are scored days all the same (other than above).
    await source.grades('graded first', 'course', [['quiz', 50, 0]]);
    await source.scores('graded first', 'course', times(35, 15), 8);
    await source.scores('not graded', 'course', times(35, 15), 8);
    await source.ask(42);
    for (const flag of ['engagement_shift', 'sustained_low']) {
      expect(source.flag('flat', flag)).toBeNull();
      expect(source.unsupported('flat')).not.toContain(flag);
      expect(source.unsupported('four')).not.toContain(flag);
      expect(source.unsupported('three')).toContain(flag);
      expect(source.unsupported('short')).toContain(flag);
      expect(source.unsupported('graded first')).not.toContain(flag);
      expect(source.unsupported('not graded')).toContain(flag);
    }
  });
});

describe('sustained_low', () => {
  // As above: mean 15, sigma 5; the limit is 2.615 * 5 / sqrt(39) = 2.093676 under, 12.906324. After k days of 0 z = 15 * 0.95^k:
  // 14.25, 13.5375, 12.860625, 12.217594, 11.606714, 11.026378, 10.475059.
  const open = { since: date(42), baseline: 15, threshold: 12.906324, method: 'ewma' };

  test('three days in a row under the limit', async () => {
    await source.scores('two', 'course', around15(0, 0, 0, 0)); // days 41 and 42
    await source.scores('three', 'course', around15(0, 0, 0, 0, 0)); // days 40, 41 and 42; 3.393286 / 2.093676 = 1.62
    // A first day of 1 adds 0.05 * 0.95^2 = 0.045125 to the third: 12.90575, of 2 0.09025: 12.950875.
    await source.scores('just', 'course', around15(1, 0, 0, 0, 0));
    await source.scores('just not', 'course', around15(2, 0, 0, 0, 0));
    await source.ask(42);
    expect(source.flag('two', 'sustained_low')).toBeNull();
    expect(source.flag('three', 'sustained_low')).toEqual({ ...open, value: 11.606714, severity: 'medium' });
    // + 0.05 * 0.95^4 = 0.0407253
    expect(source.flag('just', 'sustained_low')).toEqual({ ...open, value: 11.647439, severity: 'medium' });
    expect(source.flag('just not', 'sustained_low')).toBeNull();
  });

  test('severity of the last day, and since when', async () => {
    // As of day 41 (sigma 5.188745) the limit is 12.827290, which the third day of 0 is not under: six days are open on day 42 alone.
    await source.scores('six', 'course', around15(...times(6, 0)));
    await source.scores('seven', 'course', around15(...times(7, 0)));
    // A last day of 45 lifts z by 0.05 * 45 = 2.25 to 13.276, above the limit; one of 20 by 1 to 12.026: 2.974 / 2.094 = 1.42.
    await source.scores('back', 'course', around15(...times(5, 0), 45));
    await source.scores('nearly', 'course', around15(...times(5, 0), 20));
    await source.ask(42);
    expect(source.flag('six', 'sustained_low')).toEqual({ ...open, value: 11.026378, severity: 'medium' }); // 1.90
    expect(source.flag('seven', 'sustained_low')).toEqual({
      ...open,
      value: 10.475059,
      severity: 'high',
      since: date(41),
    }); // 2.16
    expect(source.flag('back', 'sustained_low')).toBeNull();
    expect(source.flag('nearly', 'sustained_low')).toEqual({ ...open, value: 12.026378, severity: 'low' });
  });
});
