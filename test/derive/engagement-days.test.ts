import { describe, expect, test } from 'vitest';
import type { EngagementFeatures } from '#libs/derive/engagement.ts';
import { at, completion, login, post, view } from '../aggregate/build.ts';
import { AS_OF, ago, covering, engaged } from './build.ts';

/** A student who did something on the days this long before the as-of day. */
const activeOn = (...days: readonly number[]): EngagementFeatures =>
  engaged(
    days.map((days) => login(ago(days))),
    { enrolled: [null] },
  );
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('active days', () => {
  test('are days, however much was done on them', () => {
    const rows = [login(ago(1, '08:00')), view(ago(1, '09:00'), 'r1'), post(ago(1, '10:00')), login(ago(2))];
    expect(engaged(rows)).toMatchObject({ active_days_count: 2, active_days_7d: 2, active_days_30d: 2 });
  });

  test('are days of completions reached too, but not of other completion rows', () => {
    const rows = [completion(ago(5), 0), completion(ago(4), 1), completion(ago(3), 1), completion(ago(2), 0)];
    const coverage = covering('completion_row');
    expect(engaged(rows, { coverage })).toMatchObject({ events_count: null, active_days_count: 1, active_days_7d: 1 });
  });

  test('a completion found done is no activity', () => {
    expect(engaged([completion(ago(1), 1)], { coverage: covering('completion_row') })).toMatchObject({
      active_days_count: 0,
      last_activity_at: null,
      days_inactive: null,
    });
  });
});

describe('last_activity_at and days_inactive', () => {
  test('are of the latest event or completion reached', () => {
    const rows = [login(ago(5, '08:30')), completion(ago(9), 0)];
    expect(engaged(rows)).toMatchObject({ last_activity_at: at(ago(5, '08:30')), days_inactive: 5 });
    expect(engaged([...rows, completion(ago(2, '07:00'), 2)])).toMatchObject({
      last_activity_at: at(ago(2, '07:00')),
      days_inactive: 2,
    });
  });

  test.each([
    [0, 0],
    [1, 1],
    [89, 89],
    [90, 90],
    [91, 90],
    [4000, 90],
  ])('%d days after the last active day it is %d: counted to 90, and there it stays', (days, expected) => {
    expect(activeOn(days).days_inactive).toBe(expected);
  });

  test('days are local days, not spans of 24 hours', () => {
    expect(engaged([login(ago(1, '23:59:59.999'))]).days_inactive).toBe(1);
    expect(engaged([login(ago(0, '00:00'))]).days_inactive).toBe(0);
  });

  test('last_activity_at has no cap', () => {
    expect(engaged([login(ago(4000))]).last_activity_at).toBe(at(ago(4000)));
  });
});

describe('login_frequency is active days of the last 28, by four', () => {
  test.each([
    ['one', [0], '0.25'],
    ['two', [0, 5], '0.50'],
    ['three', [0, 5, 6], '0.75'],
    ['the first of the 28', [27], '0.25'],
    ['the day before it', [28], '0.00'],
    ['all', range(0, 40), '7.00'],
  ])('%s', (_what, days, expected) => {
    expect(activeOn(...days).login_frequency).toBe(expected);
  });
});

describe('current_streak_days is the run ending with the day or, while it has none, the day before', () => {
  test.each([
    ['today alone', [0], 1],
    ['today and before', [0, 1, 2, 4, 5], 3],
    ['up to yesterday', [1, 2, 3], 3],
    ['yesterday alone', [1], 1],
    ['up to the day before yesterday', [2, 3, 4], 0],
    ['today after a pause', [0, 2, 3], 1],
    ['nothing', [], 0],
    ['a hundred days', range(0, 99), 100],
  ])('%s', (_what, days, expected) => {
    expect(activeOn(...days).current_streak_days).toBe(expected);
  });
});

describe('longest_streak_days is the longest run', () => {
  test.each([
    ['nothing', [], 0],
    ['one day', [50], 1],
    ['days apart', [1, 3, 5], 1],
    ['the last', [0, 1, 2, 9, 10], 3],
    ['the first', [0, 1, 9, 10, 11, 12], 4],
    ['one in the middle', [0, 5, 6, 7, 20, 21], 3],
  ])('%s', (_what, days, expected) => {
    expect(activeOn(...days).longest_streak_days).toBe(expected);
  });
});

describe('longest_gap_days is the most inactive days strictly between two active ones', () => {
  test.each([
    ['nothing', [], null],
    ['one day', [50], null],
    ['two days in a row', [1, 2], 0],
    ['one between', [1, 3], 1],
    ['the longest of several', [0, 2, 12, 15], 9],
    ['not the days since the last', [80, 81], 0],
  ])('%s', (_what, days, expected) => {
    expect(activeOn(...days).longest_gap_days).toBe(expected);
  });
});

describe('absence_days_last_30 is min(30, days since the enrolment) minus the active days among them', () => {
  const absence = (enrolled: string | null, days: readonly number[], asOf = AS_OF): number | null =>
    engaged(
      days.map((days) => login(ago(days))),
      { enrolled: [enrolled], asOf },
    ).absence_days_last_30;

  test.each([
    ['enrolled long ago, never there', ago(100), [], 30],
    ['enrolled long ago, there thrice', ago(100), [0, 10, 29], 27],
    ['days before the thirty do not count', ago(100), [30, 31], 30],
    ['enrolled 29 days ago: all thirty', ago(29), [29], 29],
    ['enrolled 28 days ago: 29', ago(28), [], 29],
    ['days before the enrolment do not count', ago(9), [0, 5, 9, 10, 20], 7],
    ['enrolled today', ago(0, '23:59'), [], 1],
    ['enrolled today and there', ago(0, '23:59'), [0], 0],
    ['enrolled at an unknown time', null, [1], null],
  ])('%s', (_what, enrolled, days, expected) => {
    expect(absence(enrolled, days)).toBe(expected);
  });

  test('is null where the enrolment lies after the day', () => {
    // The enrolment is known today, two days after the as-of day.
    expect(absence(ago(1), [5], AS_OF - 2)).toBeNull();
    expect(absence(ago(2), [5], AS_OF - 2)).toBe(1);
  });

  test('is null without coverage', () => {
    expect(engaged([], { enrolled: [ago(100)], coverage: covering() }).absence_days_last_30).toBeNull();
  });
});
