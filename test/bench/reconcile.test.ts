import { expect, test } from 'vitest';
import { reconcile } from './reconcile.ts';
import { printResult } from './report.ts';
import { World } from './world.ts';

test('the reconcile of rows is measured against a bare reading, and its memory at each size', async () => {
  const world = await World.start(1 / 500);
  try {
    const result = await reconcile(world, [500_000, 1_000_000]);
    const text = printResult(result);
    expect(result.verdicts, text).toHaveLength(3);
    for (const { got } of result.verdicts) expect(got, text).toBeGreaterThan(0);
    for (const { values, usage } of result.runs) {
      expect(values, text).toHaveLength(1);
      expect(usage?.peakRssMb, text).toBeGreaterThan(10);
    }
  } finally {
    await world.stop();
  }
}, 300_000);
