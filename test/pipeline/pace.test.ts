import { describe, expect, test } from 'vitest';
import { Pace } from '#libs/pipeline/pace.ts';
import { Wake } from '#libs/pipeline/wake.ts';

describe('deriving', () => {
  test('goes on at once while the intake keeps up', () => {
    const pace = new Pace(1_000);
    expect([0, 1, 2].map((now) => pace.mayWork(now, false))).toEqual([true, true, true]);
  });

  test('rests between batches while the intake is behind, but not for ever', () => {
    const pace = new Pace(1_000);
    expect([5, 6, 1_004, 1_005, 1_900, 2_005].map((now) => pace.mayWork(now, true))).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  test('goes on at once when the intake has caught up', () => {
    const pace = new Pace(1_000);
    expect([pace.mayWork(0, true), pace.mayWork(1, true), pace.mayWork(2, false)]).toEqual([true, false, true]);
  });
});

describe('the intake is behind', () => {
  test('from a full batch until one that is not', () => {
    const wake = new Wake();
    expect(wake.isBehind).toBe(false);
    wake.fallBehind(true);
    expect(wake.isBehind).toBe(true);
    wake.fallBehind(false);
    expect(wake.isBehind).toBe(false);
  });
});
