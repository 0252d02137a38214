import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ATTENTION, date, FlagSource, times } from './flag-source.ts';

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
    // ma7 = (6 * 70 + 0) / 7 = 60: exactly 10 below, open. (6 * 70 + 1) / 7 = 60.14: closed.
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
    expect(source.unsupported('under')).toEqual([...ATTENTION, ...GRADES].sort());
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
    const never = [...ATTENTION, ...GRADES].sort();
    const unknown = [...never, 'engagement_drop', 'engagement_spike'].sort();
    expect(source.unsupported('fourteen')).toEqual(never);
    expect(source.unsupported('four')).toEqual(never);
    expect(source.unsupported('thirteen')).toEqual(unknown);
    expect(source.unsupported('three')).toEqual(unknown);
  });

  test('days that store no mean are in no baseline of means', async () => {
    // The first day is the grade's, day 0; an engagement row, and so a stored ma7, exists from the first login or enrolment on.
    // As of day 20 the baseline is days 0 ... 13, of which 8 (from day 6 on) or all are stored.
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
