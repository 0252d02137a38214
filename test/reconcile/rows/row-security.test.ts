import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunnerParts } from '#libs/reconcile/contract.ts';
import { NOTHING } from '../../support/nothing.ts';
import { untilSettled } from './settled.ts';
import { type RowReconcileOptions, RowWorld, reconcileOnce } from './world.ts';

/* Row-level security at the source: hidden rows must never look like deleted ones. */

const role = `reconciler_${process.pid}`;
let world: RowWorld;

beforeEach(async () => {
  world = await RowWorld.open('row_security');
  const { db } = world.source;
  await db.query(
    'INSERT INTO grades (student_id, course_id, grade_value) SELECT gen_random_uuid(), gen_random_uuid(), 1 FROM generate_series(1, 50)',
  );
  await db.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
                  ALTER TABLE grades ENABLE ROW LEVEL SECURITY; CREATE POLICY open ON grades FOR SELECT USING (true)`);
  world.begin();
  await untilSettled(world);
});
afterEach(async () => {
  await world.source.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await world.drop();
});

const reconcile = (options: RowReconcileOptions = {}) => {
  const parts: RunnerParts = { ...world.parts, source: { ...world.source.address, user: role, password: 'secret' } };
  return reconcileOnce(parts, options);
};
const hidden = /^row-level security hides rows of public\.grades from the user "\w+"/;

test('through a policy that shows every row, rows are compared as they are', async () => {
  expect(await reconcile({ rangeRows: 20 })).toMatchObject({ kinds: NOTHING, left: 0, compared: 50 });
});

test('rows that are hidden end it before one is looked at, and the way out is named', async () => {
  await world.source.db.query('DROP POLICY open ON grades');
  await expect(reconcile()).rejects.toMatchObject({
    message: expect.stringMatching(hidden),
    hint: expect.stringMatching(/run: CREATE POLICY .* or, as a superuser, run: ALTER ROLE \w+ BYPASSRLS;/),
  });
});

test('rows that are hidden half way end it as well', async () => {
  let pieces = 0;
  const hide = async (): Promise<void> => {
    await world.source.db.query('ALTER POLICY open ON grades USING (false)');
  };
  let hiding: Promise<void> | undefined;
  const onProgress = (): void => {
    pieces += 1;
    if (pieces === 6) hiding = hide();
  };
  await expect(reconcile({ rangeRows: 5, onProgress })).rejects.toThrow(hidden);
  await hiding;
});
