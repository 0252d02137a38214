import { describe, expect, test } from 'vitest';
import type { GradeChange } from '#libs/derive/anomaly/graded.ts';
import { classDigest, factsOfActivity, factsOfGrades, movesClass } from '#libs/derive/attention/class-digest.ts';
import { handsIn } from './build.ts';

const TODAY = 50;
type Days = Parameters<typeof factsOfActivity>[0];
/** Active on days 40, 42 and today, with the essay handed in on day 42, except for what the test gives. */
const activity = (special: Partial<Days> = {}): Days => ({
  firstDay: 40,
  active: [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
  handed_in: [handsIn('essay', 42)],
  ...special,
});
const digest = (days: Days, today = TODAY) => classDigest(factsOfActivity(days), today);
const moves = (before: Days, now: Days) => movesClass(digest(before), digest(now));

describe('a key moves its class', () => {
  test('with another active day before today, one more or one less', () => {
    expect(moves(activity(), activity({ active: [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1] }))).toBe(true);
    expect(moves(activity(), activity({ active: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] }))).toBe(true);
  });

  test('with what was handed in before today: another day, item or source', () => {
    for (const other of [handsIn('essay', 43), handsIn('quiz', 42), handsIn('essay', 42, 'completion')])
      expect(moves(activity(), activity({ handed_in: [other] }))).toBe(true);
    expect(moves(activity(), activity({ handed_in: [] }))).toBe(true);
  });

  test('not with what is done today, nor when all is as it was', () => {
    expect(moves(activity(), activity())).toBe(false);
    expect(moves(activity(), activity({ active: [1, 0, 1] }))).toBe(false);
    expect(moves(activity(), activity({ handed_in: [handsIn('essay', 42), handsIn('quiz', TODAY)] }))).toBe(false);
  });

  test('not by days without activity before the first or after the last', () => {
    expect(moves(activity(), activity({ firstDay: 39, active: [0, 1, 0, 1, 0] }))).toBe(false);
  });

  test('by coming, when it brings something of before today, and by going', () => {
    const nothing = activity({ active: [], handed_in: [] });
    expect(movesClass(null, digest(activity()))).toBe(true);
    expect(movesClass(null, digest(nothing))).toBe(false);
    expect(movesClass(null, digest(activity({ firstDay: TODAY, active: [1], handed_in: [] })))).toBe(false);
    expect(moves(activity(), nothing)).toBe(true);
  });
});

describe('on a later day', () => {
  test('what was of today is counted: the same moves nothing, another does', () => {
    expect(movesClass(digest(activity()), digest(activity(), TODAY + 1))).toBe(false);
    expect(movesClass(digest(activity()), digest(activity({ active: [1, 0, 1] }), TODAY + 1))).toBe(true);
  });

  test('what is done that day does not move it', () => {
    const more = activity({ active: [...activity().active, 1] });
    expect(movesClass(digest(activity()), digest(more, TODAY + 1))).toBe(false);
  });
});

describe('grades', () => {
  const change = (from: number, points: string | null, special: { item?: string; max?: string } = {}): GradeChange => ({
    from,
    item: special.item ?? 'essay',
    grade: points === null ? null : { points, max: special.max ?? '100', day: from, at: 0 },
  });
  const movesFrom = (before: readonly GradeChange[], now: readonly GradeChange[]) =>
    movesClass(classDigest(factsOfGrades(before), TODAY), classDigest(factsOfGrades(now), TODAY));

  test('move it when one of before today is another, or was taken back', () => {
    const one = [change(30, '60')];
    for (const other of [change(31, '60'), change(30, '61'), change(30, '60', { max: '90' }), change(30, null)])
      expect(movesFrom(one, [other])).toBe(true);
    expect(movesFrom(one, [change(30, '60', { item: 'quiz' })])).toBe(true);
    expect(movesFrom(one, [...one, change(40, null)])).toBe(true);
  });

  test('not when one is given today', () => {
    expect(movesFrom([change(30, '60')], [change(30, '60'), change(TODAY, '70')])).toBe(false);
  });
});
