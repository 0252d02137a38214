import { describe, expect, test } from 'vitest';
import { Pace } from '#libs/platform/loop/pace.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';

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
    const wake = new WorkSignal();
    expect(wake.isBehind).toBe(false);
    wake.fallBehind(true);
    expect(wake.isBehind).toBe(true);
    wake.fallBehind(false);
    expect(wake.isBehind).toBe(false);
  });
});
