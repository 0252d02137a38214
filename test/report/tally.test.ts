import { describe, expect, test } from 'vitest';
import type { FlagName } from '#libs/domain/flags.ts';
import { judgeCampus } from './campus.ts';
import { FalseFlagTally, type FlaggedDays, isFlaggedIn, medianOf, noticed, openingsOf, StoryTally } from './tally.ts';
import { compareWithdrawals } from './withdrawals.ts';

/** A letter a day: `d` engagement_drop, `i` inactivity, `b` both, `g` grade_drop, `.` none. */
const NAMES: Readonly<Record<string, readonly FlagName[]>> = {
  d: ['engagement_drop'],
  i: ['inactivity'],
  b: ['engagement_drop', 'inactivity'],
  g: ['grade_drop'],
};
const days = (text: string, firstDay = 100): FlaggedDays => ({
  firstDay,
  flags: [...text].map((letter) => NAMES[letter] ?? []),
});

test('a flag opens where it was closed the day before', () => {
  expect(openingsOf(days('d.dbi.i')).map(({ day, name }) => `${day} ${name}`)).toEqual([
    '100 engagement_drop',
    '102 engagement_drop',
    '103 inactivity',
    '106 inactivity',
  ]);
});

describe('what happened is noticed', () => {
  const truth = { story: 'x', from: 103, to: null };
  test.each<[string, string, object | null]>([
    ['by a flag that opens then', '...d', { delay: 0, name: 'engagement_drop' }],
    ['or later', '.....di', { delay: 2, name: 'engagement_drop' }],
    ['not by one that was open before', '..dddd', null],
    ['but by one that opens again', '..dd.d', { delay: 2, name: 'engagement_drop' }],
    ['not by one that says something else', '....g', null],
    ['not at all', '.......', null],
  ])('%s', (_, text, found) => {
    expect(noticed(days(text), truth)).toEqual(found);
  });

  test('until two weeks after its end', () => {
    const over = { ...truth, to: 104 };
    expect(noticed(days(`${'.'.repeat(18)}d`), over)).toMatchObject({ delay: 15 });
    expect(noticed(days(`${'.'.repeat(19)}d`), over)).toBeNull();
  });
});

test('recall, delay, and what chance would have given', () => {
  const tally = new StoryTally();
  expect([tally.recall, tally.byChance, medianOf(tally.delays)]).toEqual([null, null, null]);
  const truth = { story: 'x', from: 103, to: null };
  const steady = [days('....d'), days('.....'), days('.....'), days('d....')];
  for (const text of ['...d', '.....i', '........d', '....']) tally.add(days(text), truth, steady);
  expect([tally.keys, tally.recall, tally.byChance, medianOf(tally.delays)]).toEqual([4, 75, 25, 2]);
  expect(Object.fromEntries(tally.firstBy)).toEqual({ engagement_drop: 2, inactivity: 1 });
  expect(medianOf([4, 1, 3, 10])).toBe(3.5);
});

test('false flags per 100 weeks', () => {
  const tally = new FalseFlagTally();
  expect(tally.rate()).toBeNull();
  tally.add(days(`d.d${'.'.repeat(25)}`));
  tally.add(days(`b${'.'.repeat(20)}`));
  // Four in seven weeks.
  expect(tally.rate()).toBeCloseTo(57.142857, 6);
  expect([tally.rate('engagement_drop'), tally.rate('grade_drop')]).toEqual([300 / 7, 0]);
});

test('withdrawals against those who stayed, in the same 28 days', () => {
  const open = (from: number, to: number): FlaggedDays =>
    days([...Array(60).keys()].map((n) => (n >= from && n <= to ? 'd' : '.')).join(''));
  expect([
    isFlaggedIn(open(2, 31), 132, 140),
    isFlaggedIn(open(2, 32), 132, 140),
    isFlaggedIn(open(0, 9), 0, 99),
  ]).toEqual([false, true, false]);
  const found = compareWithdrawals([
    { days: open(31, 31), withdrewOn: 160 - 1 },
    // Open on the day itself alone.
    { days: open(40, 50), withdrewOn: 140 },
    // Before flags of the whole window are known; after the last day.
    { days: open(0, 59), withdrewOn: 110 },
    { days: open(0, 59), withdrewOn: 400 },
    // Those who stayed: in both windows, in the first, in none, in none.
    { days: open(35, 36), withdrewOn: null },
    { days: open(55, 59), withdrewOn: null },
    { days: open(90, 91), withdrewOn: null },
    { days: open(0, 5), withdrewOn: null },
  ]);
  // Windows 131 … 158 and 112 … 139: of the stayers 2 and 1 of 4.
  expect(found).toMatchObject({ students: 8, withdrawn: 2, before: 0.5, others: 0.375 });
  expect(found.ratio).toBeCloseTo(4 / 3, 9);
  expect(found.byFlag.find(({ name }) => name === 'inactivity')).toMatchObject({ before: 0, others: 0 });
});

test('a small campus is judged the same each time, stories among it', () => {
  const judge = () => judgeCampus('small', Date.UTC(2026, 4, 20, 14, 30), 12);
  const judged = judge();
  expect(judged.length).toBeGreaterThan(12);
  expect(judged.some(({ truth }) => truth !== null)).toBe(true);
  expect(judged.some(({ days: { flags } }) => flags.some((names) => names.length > 0))).toBe(true);
  expect(judge()).toEqual(judged);
});
