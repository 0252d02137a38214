import { describe, expect, test } from 'vitest';
import type { FlagName } from '#libs/domain/flags.ts';
import { judgeCampus } from './campus.ts';
import { FalseFlagTally, type FlaggedDays, medianOf, noticed, openingsOf, StoryTally } from './tally.ts';

/** A letter a day: `a` attention, `i` inactivity, `b` both, `g` grade_drop, `.` none. */
const NAMES: Readonly<Record<string, readonly FlagName[]>> = {
  a: ['attention'],
  i: ['inactivity'],
  b: ['attention', 'inactivity'],
  g: ['grade_drop'],
};
const days = (text: string, firstDay = 100): FlaggedDays => ({
  firstDay,
  flags: [...text].map((letter) => NAMES[letter] ?? []),
  points: [],
  since: [],
  activeDays: [],
});

test('a flag opens where it was closed the day before', () => {
  expect(openingsOf(days('a.abi.i')).map(({ day, name }) => `${day} ${name}`)).toEqual([
    '100 attention',
    '102 attention',
    '103 inactivity',
    '106 inactivity',
  ]);
});

describe('what happened is noticed', () => {
  const truth = { story: 'x', from: 103, to: null };
  test.each<[string, string, object | null]>([
    ['by a flag that opens then', '...a', { delay: 0, name: 'attention' }],
    ['or later', '.....ai', { delay: 2, name: 'attention' }],
    ['not by one that was open before', '..aaaa', null],
    ['but by one that opens again', '..aa.a', { delay: 2, name: 'attention' }],
    ['not by one that says something else', '....g', null],
    ['not at all', '.......', null],
  ])('%s', (_, text, found) => {
    expect(noticed(days(text), truth)).toEqual(found);
  });

  test('until two weeks after its end', () => {
    const over = { ...truth, to: 104 };
    expect(noticed(days(`${'.'.repeat(18)}a`), over)).toMatchObject({ delay: 15 });
    expect(noticed(days(`${'.'.repeat(19)}a`), over)).toBeNull();
  });
});

test('recall, delay, and what chance would have given', () => {
  const tally = new StoryTally();
  expect([tally.recall, tally.byChance, medianOf(tally.delays)]).toEqual([null, null, null]);
  const truth = { story: 'x', from: 103, to: null };
  const steady = [days('....a'), days('.....'), days('.....'), days('a....')];
  for (const text of ['...a', '.....a', '........a', '....']) tally.add(days(text), truth, steady);
  expect([tally.keys, tally.recall, tally.byChance, medianOf(tally.delays)]).toEqual([4, 75, 25, 2]);
  expect(Object.fromEntries(tally.firstBy)).toEqual({ attention: 3 });
  expect(medianOf([4, 1, 3, 10])).toBe(3.5);
});

test('false flags per 100 weeks', () => {
  const tally = new FalseFlagTally();
  expect(tally.rate()).toBeNull();
  tally.add(days(`a.a${'.'.repeat(25)}`));
  tally.add(days(`b${'.'.repeat(20)}`));
  // Four in seven weeks.
  expect(tally.rate()).toBeCloseTo(57.142857, 6);
  expect([tally.rate('attention'), tally.rate('grade_drop')]).toEqual([300 / 7, 0]);
});

test('a small campus is judged the same each time, stories among it', () => {
  const judge = () => judgeCampus('small', Date.UTC(2026, 4, 20, 14, 30), 12);
  const judged = judge();
  expect(judged.length).toBeGreaterThan(12);
  expect(judged.some(({ truth }) => truth !== null)).toBe(true);
  expect(judged.some(({ days: { flags } }) => flags.some((names) => names.length > 0))).toBe(true);
  expect(judge()).toEqual(judged);
});
