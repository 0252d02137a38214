import { describe, expect, test } from 'vitest';
import { type Completions, completionsOf } from '#libs/aggregate/completions.ts';
import { engagementFacts } from '#libs/aggregate/engagement.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { CompletionState } from '#libs/clean/metadata.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { completion, day, login } from './build.ts';

const completionsReached = (rows: readonly ActivityObservation[]): Completions['reached'] =>
  completionsOf(rows).reached;

/** One row a day from 1 March on, or several at one time. Returns the days of March on which completion is reached. */
function reachedBy(...states: readonly (CompletionState | readonly CompletionState[])[]): number[] {
  const rows = states.flatMap((ofDay, index) => {
    const date = formatDay(day('2026-03-01') + index);
    return [ofDay].flat().map((state) => completion(date, state));
  });
  // No fact depends on the order of arrival.
  const forwards = completionsReached(rows).map((reached) => reached.day - day('2026-03-01') + 1);
  const backwards = completionsReached(rows.toReversed()).map((reached) => reached.day - day('2026-03-01') + 1);
  expect(backwards).toEqual(forwards);
  return forwards;
}

describe('a completion is reached at each row that turns its resource from not done to done', () => {
  test.each([
    ['not done, then done', [0, 1], [2]],
    ['not done, then passed', [0, 2], [2]],
    ['failed, then passed', [3, 2], [2]],
    ['failed, then done', [3, 1], [2]],
    ['not done, failed, done', [0, 3, 1], [3]],
    ['never done', [0, 0, 3, 0], []],
    ['done, then passed: it was done already', [0, 1, 2], [2]],
    ['a re-sync of what is done', [0, 1, 1, 1], [2]],
    ['opened again and done again', [0, 1, 0, 1], [2, 4]],
    ['done, failed, done again', [0, 1, 3, 2], [2, 4]],
    ['undone later: it has been reached all the same', [0, 1, 0], [2]],
  ] as const)('%s', (_what, states, days) => {
    expect(reachedBy(...states)).toEqual(days);
  });
});

describe('a run of done rows with no not-done row before it was done before anybody looked', () => {
  test.each([
    ['done', [1], []],
    ['done, done', [1, 1], []],
    ['done, passed', [1, 2], []],
    ['done, opened, done: the second run only', [1, 0, 1], [3]],
    ['passed twice, failed, passed', [2, 2, 3, 2], [4]],
  ] as const)('%s', (_what, states, days) => {
    expect(reachedBy(...states)).toEqual(days);
  });
});

describe('rows of one time are one state: 2 before 1 before 3 before 0', () => {
  test.each([
    ['1 beats 0: done before anybody looked', [[0, 1]], []],
    ['1 beats 0: reached', [0, [1, 0]], [2]],
    ['0 is outranked and does not open again', [0, 1, [0, 1], 1], [2]],
    ['1 beats 3', [0, [3, 1]], [2]],
    ['2 beats 3', [0, [3, 2]], [2]],
    ['3 beats 0, and is not done', [[0, 3], 1], [2]],
    ['all four are done', [[0, 1, 2, 3], 2], []],
    [
      'repeats of one time are one',
      [
        [0, 0],
        [1, 1],
        [1, 1],
      ],
      [2],
    ],
  ] as const)('%s', (_what, states, days) => {
    expect(reachedBy(...states)).toEqual(days);
  });

  test('a millisecond apart they are two states', () => {
    const rows = [completion('2026-03-01T09:00:00.000', 0), completion('2026-03-01T09:00:00.001', 1)];
    expect(completionsReached(rows)).toEqual([{ at: Date.parse('2026-03-01T09:00:00.001Z'), day: day('2026-03-01') }]);
  });
});

describe('each resource for itself', () => {
  test('not done here and done there reaches nothing', () => {
    expect(completionsReached([completion('2026-03-01', 0, 'r1'), completion('2026-03-02', 1, 'r2')])).toEqual([]);
  });

  test('two of one day are reached both', () => {
    const rows = ['r1', 'r2', 'R1'].flatMap((name) => [
      completion('2026-03-01', 0, name),
      completion('2026-03-02', 1, name),
    ]);
    expect(completionsReached(rows)).toHaveLength(3);
  });

  test('events say nothing of completion', () => {
    expect(completionsReached([login('2026-03-01'), completion('2026-03-02', 1)])).toEqual([]);
  });
});

describe('days with a completion reached are active days', () => {
  const activeDays = (asOf: string, ...rows: readonly ReturnType<typeof completion>[]): string[] =>
    engagementFacts(rows, day(asOf)).activeDays.map(formatDay);

  test('also if it is undone later', () => {
    const rows = [completion('2026-03-01', 0), completion('2026-03-02', 1), completion('2026-03-03', 0)];
    expect(activeDays('2026-03-20', ...rows)).toEqual(['2026-03-02']);
  });

  test('days of rows that reach nothing are not', () => {
    expect(activeDays('2026-03-20', completion('2026-03-01', 0), completion('2026-03-02', 3))).toEqual([]);
    expect(activeDays('2026-03-20', completion('2026-03-01', 1), completion('2026-03-02', 1))).toEqual([]);
  });

  test('later rows are left out before facts are formed', () => {
    const rows = [completion('2026-03-01', 1), completion('2026-03-02', 0), completion('2026-03-03', 2)];
    expect(activeDays('2026-03-01', ...rows)).toEqual([]);
    expect(activeDays('2026-03-02', ...rows)).toEqual([]);
    expect(activeDays('2026-03-03', ...rows)).toEqual(['2026-03-03']);
  });

  test('a not-done row that comes late in time but lies before makes the later one a completion reached', () => {
    const done = completion('2026-03-05', 1);
    expect(activeDays('2026-03-20', done)).toEqual([]);
    expect(activeDays('2026-03-20', done, completion('2026-03-04', 0))).toEqual(['2026-03-05']);
  });
});

describe('resources done now, of those with any completion row', () => {
  const tally = (...rows: readonly ActivityObservation[]): string => {
    const { done, total } = completionsOf(rows);
    expect(completionsOf(rows.toReversed())).toMatchObject({ done, total });
    return `${done} of ${total}`;
  };

  test.each<[string, readonly ActivityObservation[], string]>([
    ['none', [], '0 of 0'],
    ['done', [completion('2026-03-01', 1)], '1 of 1'],
    ['passed', [completion('2026-03-01', 2)], '1 of 1'],
    ['failed', [completion('2026-03-01', 3)], '0 of 1'],
    ['not done', [completion('2026-03-01', 0)], '0 of 1'],
    ['undone later', [completion('2026-03-01', 1), completion('2026-03-02', 0)], '0 of 1'],
    ['done later', [completion('2026-03-01', 0), completion('2026-03-02', 1)], '1 of 1'],
    ['done and not done at one time', [completion('2026-03-01', 0), completion('2026-03-01', 1)], '1 of 1'],
    ['failed and not done at one time', [completion('2026-03-01', 0), completion('2026-03-01', 3)], '0 of 1'],
    ['repeats', [completion('2026-03-01', 1), completion('2026-03-02', 1), completion('2026-03-03', 1)], '1 of 1'],
    [
      'two of three',
      [completion('2026-03-01', 1, 'a'), completion('2026-03-01', 0, 'b'), completion('2026-03-01', 2, 'c')],
      '2 of 3',
    ],
    ['events are none', [login('2026-03-01')], '0 of 0'],
  ])('%s', (_what, rows, expected) => {
    expect(tally(...rows)).toBe(expected);
  });
});
