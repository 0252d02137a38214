import { describe, expect, test } from 'vitest';
import { engagementFacts } from '#libs/aggregate/engagement.ts';
import type { EventObservation } from '#libs/clean/activity-logs.ts';
import type { EngagementFeatures } from '#libs/derive/engagement.ts';
import { daysByHour, daysByWeekday } from '#libs/derive/regularity.ts';
import { completion, login, post } from '../aggregate/build.ts';
import { AS_OF, ago, engaged } from './build.ts';

const featuresOf = (...rows: readonly EventObservation[]): EngagementFeatures => engaged(rows, { enrolled: [null] });
/** Events at these times; 16 March is a Monday, 20 March the Friday of the as-of day. */
const march = (...times: readonly string[]): EventObservation[] => times.map((time) => login(`2026-03-${time}`));

/** Results of logarithms and roots may differ by a millionth. */
function expectNear(actual: string | null, expected: number): void {
  expect(actual).toMatch(/^-?\d+\.\d{6}$/);
  expect(Math.abs(Number(actual) - expected)).toBeLessThanOrEqual(1.000001e-6);
}

describe('activity_pattern is the share of the events of thirty days by weekday', () => {
  test('with all seven keys, to four decimals', () => {
    expect(featuresOf(...march('16T08:00', '20T08:00', '20T09:00')).activity_pattern).toEqual({
      Monday: 0.3333,
      Tuesday: 0,
      Wednesday: 0,
      Thursday: 0,
      Friday: 0.6667,
      Saturday: 0,
      Sunday: 0,
    });
  });

  test('each day by its name', () => {
    const names = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
    // 2026-03-09 to 15 are Monday to Sunday.
    names.forEach((name, index) => {
      const time = `2026-03-${String(9 + index).padStart(2, '0')}T23:59`;
      expect(featuresOf(post(time)).activity_pattern).toMatchObject({ [name]: 1 });
    });
  });

  test('rounded half away from zero', () => {
    // One of sixteen is .0625; one of thirty-two .03125, a tie.
    const rows = (n: number) => [
      ...march('16T08:00'),
      ...Array.from({ length: n }, (_, index) => login(ago(0, `${10 + Math.floor(index / 10)}:${10 + (index % 10)}`))),
    ];
    expect(featuresOf(...rows(15)).activity_pattern).toMatchObject({ Monday: 0.0625, Friday: 0.9375 });
    expect(featuresOf(...rows(31)).activity_pattern).toMatchObject({ Monday: 0.0313, Friday: 0.9688 });
  });

  test('of events alone, within the thirty days; null without', () => {
    expect(featuresOf(login(ago(29, '00:00'))).activity_pattern).not.toBeNull();
    expect(featuresOf(login(ago(30, '23:59'))).activity_pattern).toBeNull();
    expect(engaged([completion(ago(3), 0), completion(ago(2), 1)]).activity_pattern).toBeNull();
  });
});

describe('a[k], of which regularity and periodicity are made,', () => {
  /** `k: days`, for every k with days. */
  const listed = (counts: readonly number[]): string[] =>
    counts.flatMap((days, k) => (days === 0 ? [] : [`${k}: ${days}`]));
  /** The 15th is a Sunday; two of the events are in the same hour of one day. */
  const events = () =>
    engagementFacts(march('15T00:00', '16T00:59', '16T08:00', '16T08:30', '17T08:00', '20T23:59:59.999'), AS_OF).events;

  test('are the days with an event in local hour k, 0 to 23', () => {
    expect(daysByHour(events())).toHaveLength(24);
    expect(listed(daysByHour(events()))).toEqual(['0: 2', '8: 2', '23: 1']);
  });

  test('and the days with an event on weekday k, of seven', () => {
    expect(daysByWeekday(events())).toHaveLength(7);
    expect(listed(daysByWeekday(events()))).toEqual(['0: 1', '1: 1', '4: 1', '6: 1']);
  });
});

describe('regularity_hour and regularity_weekday are (log₂K − H)·max a', () => {
  const LOG24 = Math.log2(24);
  const LOG7 = Math.log2(7);

  test('one event: all of it at one hour and on one weekday', () => {
    const { regularity_hour, regularity_weekday } = featuresOf(...march('16T08:00'));
    expectNear(regularity_hour, LOG24);
    expectNear(regularity_weekday, LOG7);
  });

  test('a counts days, not events: three within one hour of a day are one', () => {
    expectNear(featuresOf(...march('16T08:00', '16T08:30', '16T08:59:59.999')).regularity_hour, LOG24);
  });

  test('the same hour on two days', () => {
    const { regularity_hour, regularity_weekday } = featuresOf(...march('16T08:00', '17T08:59'));
    expectNear(regularity_hour, 2 * LOG24);
    // Two weekdays, one day each: H = 1.
    expectNear(regularity_weekday, LOG7 - 1);
  });

  test('two hours of one day: H = 1', () => {
    const { regularity_hour, regularity_weekday } = featuresOf(...march('16T08:59:59.999', '16T09:00'));
    expectNear(regularity_hour, LOG24 - 1);
    expectNear(regularity_weekday, LOG7);
  });

  test('three Mondays and a Tuesday', () => {
    // H of 3/4 and 1/4 is .75·log₂(4/3) + .5 = .811278…; (2.807355 − .811278)·3.
    expectNear(featuresOf(...march('02T08:00', '09T08:00', '16T08:00', '17T08:00')).regularity_weekday, 5.98823);
  });

  test('all weekdays alike: nothing is regular', () => {
    const week = march('09T08:00', '10T08:00', '11T08:00', '12T08:00', '13T08:00', '14T08:00', '15T08:00');
    expectNear(featuresOf(...week).regularity_weekday, 0);
  });

  test('of all events, also those long ago; null without', () => {
    expectNear(featuresOf(login(ago(700)), login(ago(0))).regularity_hour, 2 * LOG24);
    const none = engaged([completion(ago(3), 0), completion(ago(2), 1)]);
    expect([none.regularity_hour, none.regularity_weekday]).toEqual([null, null]);
  });

  test('the hour is that of the institution', () => {
    // Two instants an hour apart that both show eight o'clock, since the clock was set back in between.
    const rows = march('16T08:00', '17T09:00').map((row) => ({ ...row, hour: 8 }));
    expectNear(featuresOf(...rows).regularity_hour, 2 * LOG24);
  });
});

describe('periodicity_day and periodicity_week are the modulus of Σ a[k]·e^(−2πik/K)', () => {
  test.each([
    ['one event', ['16T08:00'], 1, 1],
    [
      'three days at one hour, Monday to Wednesday',
      ['16T08:00', '17T08:00', '18T08:00'],
      3,
      1 + 2 * Math.cos((2 * Math.PI) / 7),
    ],
    ['three Mondays at one hour', ['02T08:00', '09T08:00', '16T08:00'], 3, 3],
    // Opposite hours cancel out.
    ['midnight and noon', ['16T00:00', '16T12:00'], 0, 1],
    // A right angle: √2.
    ['six o’clock and noon', ['16T06:00', '16T12:00'], Math.SQRT2, 1],
    // Two of an angle of 2π/7: 2·cos(π/7).
    ['Monday and Tuesday at one hour', ['16T08:00', '17T08:00'], 2, 2 * Math.cos(Math.PI / 7)],
    ['Sunday and Monday as well: the week goes round', ['15T08:00', '16T08:00'], 2, 2 * Math.cos(Math.PI / 7)],
  ])('%s', (_what, times, ofDay, ofWeek) => {
    const { periodicity_day, periodicity_week } = featuresOf(...march(...times));
    expectNear(periodicity_day, ofDay);
    expectNear(periodicity_week, ofWeek);
  });

  test('a whole week alike has none', () => {
    const week = march('09T08:00', '10T08:00', '11T08:00', '12T08:00', '13T08:00', '14T08:00', '15T08:00');
    expectNear(featuresOf(...week).periodicity_week, 0);
    expectNear(featuresOf(...week).periodicity_day, 7);
  });

  test('are null without events', () => {
    const none = engaged([completion(ago(2), 1)]);
    expect([none.periodicity_day, none.periodicity_week]).toEqual([null, null]);
  });
});

describe('week_similarity is the mean over pairs of ISO weeks of weekdays in both by the larger count', () => {
  test.each([
    ['one week', ['16T08:00', '17T08:00', '20T08:00'], null],
    ['the same weekday twice', ['09T08:00', '16T09:00'], '1.000000'],
    ['another weekday', ['09T08:00', '17T08:00'], '0.000000'],
    ['one of two', ['09T08:00', '10T08:00', '16T08:00'], '0.500000'],
    ['one of three', ['09T08:00', '10T08:00', '11T08:00', '16T08:00'], '0.333333'],
    ['two of three', ['09T08:00', '10T08:00', '11T08:00', '16T08:00', '18T08:00'], '0.666667'],
    ['several events of a day count once', ['09T08:00', '09T09:00', '16T08:00'], '1.000000'],
    // {Mo}, nothing, {Mo}: one of three pairs is 1.
    ['a week without events is similar to none', ['02T08:00', '16T08:00'], '0.333333'],
    // {Mo Tu We}, {Mo}, {Mo Tu}: (1/3 + 2/3 + 1/2) / 3.
    ['three weeks', ['02T08:00', '03T08:00', '04T08:00', '09T08:00', '16T08:00', '17T08:00'], '0.500000'],
    // {Mo}, {Tu}, {Mo}, and the pairs with the second are 0.
    ['every other week', ['02T08:00', '10T08:00', '16T08:00'], '0.333333'],
    ['a week ends with Sunday', ['15T08:00', '16T08:00'], '0.000000'],
    ['and begins with Monday', ['09T08:00', '15T08:00'], null],
  ])('%s', (_what, times, expected) => {
    expect(featuresOf(...march(...times)).week_similarity).toBe(expected);
  });

  test('weeks run over the end of a year', () => {
    // 2025-12-29 is a Monday, 2026-01-04 the Sunday of its week.
    expect(featuresOf(login('2025-12-29'), login('2026-01-04')).week_similarity).toBeNull();
    expect(featuresOf(login('2025-12-29'), login('2026-01-05')).week_similarity).toBe('1.000000');
  });

  test('only events count, and only those as of the day', () => {
    const rows = [login(ago(7)), login(ago(0)), completion(ago(20), 0), completion(ago(14), 1)];
    expect(engaged(rows).week_similarity).toBe('1.000000');
    expect(engaged(rows, { asOf: AS_OF - 1 }).week_similarity).toBeNull();
  });

  test('years of weeks', () => {
    // Fridays of 104 weeks, and in the 105th only the day before Friday: 104 of 105 weeks are equal, and the last differs.
    const fridays = Array.from({ length: 104 }, (_, n) => login(ago(7 * (n + 1))));
    const thursday = login(ago(1));
    // 104·103/2 pairs are 1 of 105·104/2: 103/105.
    expect(featuresOf(...fridays, thursday).week_similarity).toBe('0.980952');
  });
});
