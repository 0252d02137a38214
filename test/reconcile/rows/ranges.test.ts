import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '#libs/platform/postgres/database.ts';
import { NOTHING } from '../../support/nothing.ts';
import { openWithViews } from './settled.ts';
import type { RowWorld } from './world.ts';

const ROWS = 6_000;
const RANGE = 25;

let world: RowWorld;
beforeEach(async () => {
  world = await openWithViews('ranges', ROWS);
  await world.source.db.query('ANALYZE activity_logs');
  await world.analytics.db.query('ANALYZE state.image_activity_logs');
});
afterEach(() => world.drop());

/** Rows of a table read so far by sessions that have ended, whatever the plan. */
async function rowsRead(db: Database, table: string): Promise<number> {
  const [read] = await db.query<{ rows: number }>(
    'SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 AS rows FROM pg_stat_user_tables WHERE relid = $1::regclass',
    [table],
  );
  return read?.rows ?? 0;
}

test('each range reads its own rows: a table that is read in many ranges is not read once for each', async () => {
  const sides = [
    [world.source.db, 'activity_logs'],
    [world.analytics.db, 'state.image_activity_logs'],
  ] as const;
  const before = await Promise.all(sides.map(([db, table]) => rowsRead(db, table)));
  expect(await world.reconcile({ rangeRows: RANGE })).toMatchObject({ kinds: NOTHING, compared: ROWS + 2 });
  for (const [index, [db, table]] of sides.entries()) {
    const read = async (): Promise<number> => (await rowsRead(db, table)) - (before[index] ?? 0);
    await expect.poll(read).toBeGreaterThanOrEqual(ROWS);
    // For so small a table, scanning the last few ranges is faster than index look-ups; one scan per range would be 120 times.
    expect(await read()).toBeLessThan(10 * ROWS);
  }
});
