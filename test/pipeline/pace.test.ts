import { describe, expect, test } from 'vitest';
import { Work } from '#libs/pipeline/work.ts';
import { Pace } from '#libs/platform/loop/pace.ts';

describe('deriving', () => {
  test('goes on at once while the intake keeps up', () => {
    const pace = new Pace();
    expect([0, 1, 2].map((now) => pace.mayWork(now, 0))).toEqual([true, true, true]);
  });

  test('rests between batches while the intake is behind, but not for ever', () => {
    const pace = new Pace();
    expect([5, 6, 1_004, 1_005, 1_900, 2_005].map((now) => pace.mayWork(now, 1_000))).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  test('goes on at once when the intake has caught up', () => {
    const pace = new Pace();
    expect([pace.mayWork(0, 1_000), pace.mayWork(1, 1_000), pace.mayWork(2, 0)]).toEqual([true, false, true]);
  });
});

describe('the intake is behind', () => {
  test('from a full batch until one that is not', () => {
    const work = new Work();
    expect(work.isBehind).toBe(false);
    work.fallBehind(true);
    expect(work.isBehind).toBe(true);
    work.fallBehind(false);
    expect(work.isBehind).toBe(false);
  });
});
