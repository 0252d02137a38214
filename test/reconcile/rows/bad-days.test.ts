import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { NOTHING } from '../../support/nothing.ts';
import { openWithViews } from './settled.ts';
import { endConnections, type RowWorld } from './world.ts';

let world: RowWorld;
beforeEach(async () => {
  world = await openWithViews('bad_days', 500);
});
afterEach(() => world.drop());

const isEqual = { kinds: NOTHING, left: 0, skipped: 0 };

test('nothing is going on anywhere: the marker is seen all the same', async () => {
  expect(await world.reconcile({ rangeRows: 100 })).toMatchObject({ ...isEqual, compared: 502 });
});

test('while the stream stands still it waits, in sight, and takes no lag for a difference', async () => {
  await world.pause();
  await world.source.db.query("DELETE FROM activity_logs WHERE id = md5('a1')::uuid");
  await world.source.db.query("UPDATE activity_logs SET resource_id = 'r' WHERE id = md5('a2')::uuid");
  const phases: string[] = [];
  let ended = false;
  const run = world.reconcile({ onProgress: ({ phase }) => phases.push(phase) });
  const ending = run.finally(() => {
    ended = true;
  });
  ending.catch(() => {});
  await expect.poll(() => phases.at(-1)).toMatch(/^waiting for the stream to pass [0-9A-F]+\/[0-9A-F]+$/);
  expect(ended).toBe(false);
  world.begin();
  expect(await run).toMatchObject(isEqual);
});

test('told to stop while it waits, it ends at once with the reason it was told', async () => {
  await world.pause();
  const stop = new AbortController();
  const run = world.reconcile({ signal: stop.signal });
  run.catch(() => {});
  await sleep(300);
  stop.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  await expect(world.reconcile({ signal: stop.signal })).rejects.toThrow('enough');
});

test('told to stop in the midst of it, likewise', async () => {
  const stop = new AbortController();
  let pieces = 0;
  const onProgress = (): void => {
    pieces += 1;
    if (pieces === 9) stop.abort(new Error('enough'));
  };
  await expect(world.reconcile({ rangeRows: 50, signal: stop.signal, onProgress })).rejects.toThrow('enough');
});

describe('a database that goes away half way', () => {
  test.each([
    ['the source', 'source', 'prepadata reconcile'],
    ['the source, where the marker is written', 'source', 'prepadata reconcile marker'],
    ['the analytics database, where images are read', 'analytics', 'prepadata reconcile images'],
  ] as const)('%s: an error of its driver, and the next run is right', async (_, which, name) => {
    let ended: Promise<number> | undefined;
    let pieces = 0;
    const onProgress = (): void => {
      pieces += 1;
      if (pieces === 5) ended = endConnections(world[which], name);
    };
    // Small ranges keep it busy until the connection ends.
    const error = await world.reconcile({ rangeRows: 2, onProgress }).catch((thrown: unknown) => thrown);
    expect(await ended).toBe(1);
    expect(isDatabaseFault(error), String(error)).toBe(true);
    expect(await world.reconcile()).toMatchObject(isEqual);
  });
});

describe('the ground moves under a range', () => {
  test('the table is emptied after it was read: the range is read again', async () => {
    let emptied: Promise<unknown> | undefined;
    const onProgress = ({ phase, done }: { phase: string; done: number }): void => {
      if (phase === 'comparing activity_logs' && done > 100)
        emptied ??= world.source.db.query('TRUNCATE activity_logs');
    };
    const result = await world.reconcile({ rangeRows: 20, onProgress });
    await emptied;
    expect(result).toMatchObject({ kinds: NOTHING, left: 0 });
    expect(result.tables.activity_logs?.equal).toBeLessThan(500);
    expect(emptied).toBeDefined();
  });

  test('a new epoch begins: what was compared before it stands, and the rest waits for its reading', async () => {
    let begun: Promise<unknown> | undefined;
    const onProgress = ({ phase, done }: { phase: string; done: number }): void => {
      if (phase !== 'comparing activity_logs' || done < 100 || begun !== undefined) return;
      begun = (async () => {
        await world.pause();
        await openProgressStore(world.analytics.db).beginEpoch('pgoutput', 'another', 'a test');
        await world.source.db.query("DELETE FROM activity_logs WHERE id > '80000000-0000-0000-0000-000000000000'");
        await sleep(200);
        world.begin();
      })();
    };
    const result = await world.reconcile({ rangeRows: 20, onProgress });
    await begun;
    expect(begun).toBeDefined();
    expect(result).toMatchObject({ kinds: NOTHING, left: 0 });
    expect(result.tables.activity_logs?.equal).toBeLessThan(500);
  });

  test('a repair is not made when the run is no longer ours', async () => {
    await world.analytics.db.query('DELETE FROM state.image_activity_logs');
    const guard = (): Promise<void> => Promise.reject(new Error('another process has taken the run'));
    await expect(world.reconcile({ guard })).rejects.toThrow('another process has taken the run');
    expect(await world.analytics.db.query('SELECT FROM state.image_activity_logs')).toHaveLength(0);
  });
});

test('changes made while nobody followed: lost to the stream, found and repaired by the reconcile', async () => {
  await world.pause();
  const { source, analytics } = world;
  await source.db.query(`
    INSERT INTO activity_logs (id, student_id, course_id, activity_type, "timestamp")
    SELECT md5('b' || n)::uuid, md5('new')::uuid, md5('c')::uuid, 'view', '2026-03-03' FROM generate_series(1, 30) AS n;
    UPDATE activity_logs SET resource_id = 'changed' WHERE id IN (SELECT md5('a' || n)::uuid FROM generate_series(1, 20) AS n);
    DELETE FROM activity_logs WHERE id IN (SELECT md5('a' || n)::uuid FROM generate_series(21, 31) AS n)`);
  // As if they had been applied: slot and progress skip what was written.
  await source.db.query(
    'SELECT pg_replication_slot_advance(slot_name, pg_current_wal_insert_lsn()) FROM pg_replication_slots WHERE database = current_database()',
  );
  const [slot] = await source.db.query<{ lsn: bigint }>(
    "SELECT (confirmed_flush_lsn - '0/0')::bigint AS lsn FROM pg_replication_slots WHERE database = current_database()",
  );
  await analytics.db.query('UPDATE stream_progress SET applied = $1', [slot?.lsn ?? 0n]);
  world.begin();
  const kinds = { 'row missed': 30, 'value differs': 20, 'row extra': 11 };
  expect(await world.reconcile({ dryRun: true })).toMatchObject({ kinds, left: 61 });
  expect(await world.reconcile()).toMatchObject({ kinds, left: 0 });
  expect(await world.reconcile()).toMatchObject({ ...isEqual, compared: 521 });
});
