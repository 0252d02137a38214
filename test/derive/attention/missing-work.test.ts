import { describe, expect, test } from 'vitest';
import type { AttentionKey } from '#libs/derive/attention/key.ts';
import { owedWork } from '#libs/derive/attention/missing-work.ts';
import type { ExpectedItem } from '#libs/derive/attention/numbers.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';
import { classOf, daily, flagsOn, handsIn, keyOf, LAST, numbersOf, unknownOn } from './build.ts';

const expected = (item: string, from: number, source: WorkSource = 'submission'): ExpectedItem => ({
  source,
  item,
  from,
});
/** This many items with a name and a number, expected from one day. */
const many = (count: number, name: string, from: number): ExpectedItem[] =>
  Array.from({ length: count }, (_, index) => expected(`${name}${index + 1}`, from));

/** A key in a class that expects these items, and that handed in the ones given as `item day`. */
function owing(items: readonly ExpectedItem[], handedIn: readonly string[] = [], special: Partial<AttentionKey> = {}) {
  const days = handedIn.map((text): [string, number] => {
    const [item, day] = text.split(' ');
    return [`submission ${item}`, Number(day)];
  });
  const numbers = numbersOf({ sources: [{ from: 1, source: 'submission' }], expected: items });
  return keyOf({ handedIn: new Map(days), numbers, ...special });
}
const pointsOn = (key: AttentionKey, ...days: readonly number[]) =>
  days.map((day) => owedWork(key).points[day - key.firstDay]);

/** Points on day 60 for these numbers of recent and earlier items, and of missing ones among them. */
function points(recent: number, recentMissing: number, earlier = 0, earlierMissing = 0) {
  const items = [...many(earlier, 'e', 20), ...many(recent, 'r', 50)];
  const done = (name: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `${name}${from + index + 1} 12`);
  return pointsOn(owing(items, [...done('r', recentMissing, recent), ...done('e', earlierMissing, earlier)]), 60)[0];
}

describe('points of missing_work', () => {
  test('2 when half of the recent items are missing, 1 when a quarter are, else 0', () => {
    expect([points(4, 0), points(4, 1), points(4, 2), points(4, 4)]).toEqual([0, 1, 2, 2]);
    expect([points(5, 1), points(5, 2), points(5, 3)]).toEqual([0, 1, 2]);
    expect([points(3, 1), points(3, 2), points(1, 1), points(9, 2), points(8, 2)]).toEqual([1, 2, 2, 0, 1]);
  });

  test('1 more when half of the earlier ones are', () => {
    expect([points(0, 0, 4, 1), points(0, 0, 4, 2), points(0, 0, 5, 2), points(0, 0, 5, 3)]).toEqual([0, 1, 0, 1]);
    expect([points(4, 0, 2, 1), points(4, 1, 2, 1), points(4, 2, 2, 1), points(4, 2, 2, 0)]).toEqual([1, 2, 3, 2]);
  });

  test('recent is what is expected from d−27 … d', () => {
    // Recent until day 57.
    expect(pointsOn(owing([expected('essay', 30)]), 29, 30, 57, 58, LAST)).toEqual([null, 2, 2, 1, 1]);
  });

  test('there are some for each day, and no more', () => {
    expect(owedWork(owing([expected('essay', 30)])).points).toHaveLength(LAST);
  });

  test('what is handed in late stops counting on that day', () => {
    expect(pointsOn(owing([expected('essay', 30)], ['essay 40']), 39, 40, 58)).toEqual([2, 0, 0]);
    expect(pointsOn(owing([expected('essay', 30)], ['essay 70']), 69, 70)).toEqual([1, 0]);
    expect(pointsOn(owing([expected('essay', 30)], ['essay 12']), 30)).toEqual([0]);
  });
});

describe('owed is', () => {
  test('what was expected from seven days after the first day on, or later', () => {
    const joined = (firstDay: number) => pointsOn(owing([expected('essay', 30)], [], { firstDay }), 40);
    expect([22, 23, 24, 30, 35].map((day) => joined(day)[0])).toEqual([2, 2, null, null, null]);
  });

  test('nothing before anything is expected: missing_work is not known', () => {
    const key = owing([expected('essay', 30)]);
    expect(unknownOn(key, 29)).toEqual(['missing_work', 'low_marks']);
    expect(unknownOn(key, 30)).toEqual(['low_marks']);
  });

  test('nothing on days when too few attend', () => {
    const numbers = owing([expected('essay', 30)]).numbers;
    const usual = numbersOf().usual.map((days, index) => (index < 49 ? days : null));
    const key = owing([], [], { numbers: numbers && { ...numbers, usual } });
    expect(pointsOn(key, 49, 50)).toEqual([2, null]);
    expect(unknownOn(key, 50)).toEqual(['attention', 'absent', 'missing_work', 'low_marks']);
  });

  test('of the source in use that day, each item from the day of its own source', () => {
    const numbers = numbersOf({
      sources: [
        { from: 10, source: 'completion' },
        { from: 50, source: 'submission' },
      ],
      expected: [expected('page', 20, 'completion'), expected('essay', 25), expected('essay', 48, 'completion')],
    });
    const key = keyOf({ numbers, handedIn: new Map([['submission page', 5]]) });
    expect(owedWork(key).on(29)).toMatchObject({ recent: 1, recentMissing: 1, earlier: 0 });
    expect(owedWork(key).on(48)).toMatchObject({ recent: 1, earlier: 1, earlierMissing: 1 });
    expect(owedWork(key).on(49)).toMatchObject({ recent: 1, recentMissing: 1, earlier: 0 });
    expect(flagsOn(key, 49).missing_work).toMatchObject({ source: 'completion', items: ['essay', 'page'] });
    expect(flagsOn(key, 50).missing_work).toMatchObject({ source: 'submission', items: ['essay'] });
  });

  test('not read from due dates, and not forgotten when the teacher withdraws the resource', () => {
    // Six of eight had the essay by day 20; nobody hands in anything afterwards.
    const numbers = classOf(
      daily(8, (index) => (index < 6 ? { handedIn: [handsIn('essay', 20)] } : {})),
      { submissionFrom: 1 },
    );
    expect(pointsOn(keyOf({ numbers }), 20, 21, 48, 49, LAST)).toEqual([null, 2, 2, 1, 1]);
  });
});

describe('the column missing_work', () => {
  test('counts what is missing and what is owed, and names the missing, expected last first', () => {
    const items = [
      ...many(2, 'b', 20),
      ...many(2, 'a', 20),
      expected('z', 50),
      expected('c', 55),
      expected('done', 55),
    ];
    expect(flagsOn(owing(items, ['done 54', 'a2 19', 'c 61']), 60).missing_work).toEqual({
      since: formatDay(20),
      value: 5,
      baseline: 7,
      threshold: 1,
      method: 'class_work',
      severity: 'high',
      source: 'submission',
      items: ['c', 'z', 'a1', 'b1', 'b2'],
    });
  });

  test('names no more what was handed in that day', () => {
    const key = owing([expected('a', 50), expected('b', 50)], ['a 60']);
    expect(flagsOn(key, 59).missing_work).toMatchObject({ value: 2, items: ['a', 'b'] });
    expect(flagsOn(key, 60).missing_work).toMatchObject({ value: 1, items: ['b'] });
  });

  test('names five at most, and counts all', () => {
    const flag = flagsOn(owing([...many(4, 'b', 50), ...many(4, 'a', 50)]), 60).missing_work;
    expect(flag).toMatchObject({ value: 8, baseline: 8, items: ['a1', 'a2', 'a3', 'a4', 'b1'] });
  });

  test('is low with 1 point, medium with 2', () => {
    expect(flagsOn(owing([expected('essay', 30)]), 57).missing_work?.severity).toBe('medium');
    expect(flagsOn(owing([expected('essay', 30)]), 58).missing_work?.severity).toBe('low');
  });

  test('is null, and known, where a missing item is one of too many to matter', () => {
    const key = owing(many(5, 'r', 50), ['r1 9', 'r2 9', 'r3 9', 'r4 9']);
    expect(flagsOn(key, 60).missing_work).toBeNull();
    expect(unknownOn(key, 60)).not.toContain('missing_work');
  });
});
