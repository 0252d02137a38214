import { afterEach, beforeEach, expect, test } from 'vitest';
import { performanceFamily } from '#libs/families/performance.ts';
import { openFamilyReconciliation } from '#libs/reconcile/features/family.ts';
import { reconcileFeatures } from '#libs/reconcile/features/feature-reconciler.ts';
import { testSettings } from '../../support/settings.ts';
import { fillSource } from '../campus.ts';
import { ReconcileWorld } from '../reconcile-world.ts';
import { reconcileRun } from './run.ts';

let world: ReconcileWorld;
beforeEach(async () => {
  world = await ReconcileWorld.open('reconcile_not_derivable');
  await fillSource(world.source.db, { students: 20, courses: 2, rowsPerKey: 6, seed: 3 });
  await world.begin();
  await world.settle();
});
afterEach(() => world.drop());

test.each([true, false])(
  'a key that cannot be computed is named, and all others are compared (dry run: %s)',
  async (dryRun) => {
    const keys = await world.db.query<{ student_id: number; course_id: number }>(
      'SELECT student_id, course_id FROM performance_features ORDER BY 1, 2',
    );
    const [bad, wrong] = [keys[7], keys[11]];
    if (bad === undefined || wrong === undefined) throw new Error('there are too few keys');
    await world.db.query(
      `UPDATE state.image_grades SET grade_item = 'the one' WHERE live AND student_id = $1 AND course_id = $2`,
      [bad.student_id, bad.course_id],
    );
    await world.db.query('UPDATE performance_features SET graded_items = 99 WHERE student_id = $1 AND course_id = $2', [
      wrong.student_id,
      wrong.course_id,
    ]);
    const family: typeof performanceFamily = {
      ...performanceFamily,
      evidence: (rows, facts, today) => {
        if (rows.some((grade) => grade.item === 'the one')) throw new RangeError('too deep');
        return performanceFamily.evidence(rows, facts, today);
      },
    };
    const broken = openFamilyReconciliation(family, world.settings);
    const run = reconcileRun(world.db, dryRun);
    const result = await reconcileFeatures(run, [broken], {}, testSettings().deriving);
    expect(run.ledger.examples).toEqual([
      {
        where: 'performance_features',
        kind: 'not derivable',
        key: `${bad.student_id}/${bad.course_id}`,
        expected: null,
        found: 'too deep',
        repaired: false,
      },
      expect.objectContaining({
        where: 'performance_features.graded_items',
        key: `${wrong.student_id}/${wrong.course_id}`,
        found: '99',
        repaired: !dryRun,
      }),
    ]);
    // While a key stays wrong, its class cannot be judged.
    expect(result).toMatchObject({ left: dryRun ? 2 : 1, skipped: dryRun ? 1 : 0 });
    expect(result.compared).toBeGreaterThanOrEqual(keys.length);
  },
);
