import { describe, expect, test } from 'vitest';
import { END, judgeCampus, openTallies, tally } from './campus.ts';
import { type Alarm, type FlaggedDays, openingsOf } from './openings.ts';
import { FalseAlarmTally, medianOf, noticed, StoryTally } from './tally.ts';

/** One letter a day: `a` open, `.` closed. */
const days = (text: string, firstDay = 100): FlaggedDays => ({
  firstDay,
  flags: [...text].map((letter) => (letter === 'a' ? ['absent'] : [])),
  points: [],
  since: [],
  activeDays: [],
});
const alarm: Alarm = { name: 'absent', isOpen: ({ flags }, index) => flags[index]?.length === 1 };

test('an alarm opens where it was closed the day before', () => {
  expect(openingsOf(alarm, days('a.aa..a'))).toEqual([100, 102, 106]);
});

describe('what happened is noticed', () => {
  const truth = { story: 'x', from: 103, to: null };
  test.each<[string, string, number | null]>([
    ['by an alarm that opens then', '...a', 0],
    ['or later', '.....aa', 2],
    ['not by one that was open before', '..aaaa', null],
    ['but by one that opens again', '..aa.a', 2],
    ['not at all', '.......', null],
  ])('%s', (_, text, delay) => {
    expect(noticed(alarm, days(text), truth)).toBe(delay);
  });

  test('until two weeks after its end', () => {
    const over = { ...truth, to: 104 };
    expect(noticed(alarm, days(`${'.'.repeat(18)}a`), over)).toBe(15);
    expect(noticed(alarm, days(`${'.'.repeat(19)}a`), over)).toBeNull();
  });
});

test('recall, delay, and what chance would have given', () => {
  const tally = new StoryTally(alarm);
  expect([tally.recall, tally.byChance, medianOf(tally.delays)]).toEqual([null, null, null]);
  const truth = { story: 'x', from: 103, to: null };
  const steady = [days('....a'), days('.....'), days('.....'), days('a....')];
  for (const text of ['...a', '.....a', '........a', '....']) tally.add(days(text), truth, steady);
  expect([tally.keys, tally.recall, tally.byChance, medianOf(tally.delays)]).toEqual([4, 75, 25, 2]);
  expect(medianOf([4, 1, 3, 10])).toBe(3.5);
});

test('false alarms per 100 weeks', () => {
  const tally = new FalseAlarmTally(alarm);
  expect(tally.rate).toBeNull();
  tally.add(days(`a.a${'.'.repeat(25)}`));
  tally.add(days(`a${'.'.repeat(20)}`));
  // Three in seven weeks.
  expect(tally.rate).toBe(300 / 7);
});

test('of a sample campus attention finds those who fade away, and leaves those alone who are always there', () => {
  const tallies = openTallies();
  tally(judgeCampus('report 1', END, 100), tallies);
  const { fading, steady } = tallies;
  expect(fading.keys).toBeGreaterThan(20);
  expect(fading.recall).toBeGreaterThanOrEqual(85);
  expect(steady.weeks).toBeGreaterThan(200);
  expect(steady.rate).toBeLessThanOrEqual(0.2);
});

test('a sample campus is judged the same each time', () => {
  const judge = () => judgeCampus('small', END, 12);
  expect(judge()).toEqual(judge());
});
