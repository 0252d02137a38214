import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { totalsOf } from '#libs/domain/run.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { fillSource } from '../campus.ts';
import { ReconcileWorld } from '../reconcile-world.ts';

/* A reconcile that is stopped, gets no help from derivers, has nothing to look at, or looks at the wrong thing. */

let world: ReconcileWorld;
beforeEach(async () => {
  world = await ReconcileWorld.open('reconcile_bad');
  await fillSource(world.source.db, { students: 20, courses: 2, rowsPerKey: 6, seed: 3 });
  await world.begin();
  await world.settle();
});
afterEach(() => world.drop());

const corrupt = (): Promise<unknown> =>
  world.db.query('UPDATE performance_features SET success_rate = coalesce(success_rate, 0) - 0.01');
const corrupted = async (): Promise<number> => (await world.db.query('SELECT FROM performance_features')).length;

test('told to stop in the middle it goes on with nothing else, and rejects with the reason; begun again it finds the rest', async () => {
  await corrupt();
  const stopping = new AbortController();
  const reason = new Error('cancelled');
  const phases: string[] = [];
  const run = world.reconcile({
    signal: stopping.signal,
    onProgress: ({ phase }) => {
      if (stopping.signal.aborted) phases.push(phase);
      else if (/performance/.test(phase)) stopping.abort(reason);
    },
  });
  await expect(run).rejects.toBe(reason);
  expect(phases.filter((phase) => !/performance/.test(phase))).toEqual([]);
  await world.settle();
  await world.reconcile();
  expect(totalsOf((await world.reconcile()).verdict)).toMatchObject({ different: 0 });
  expect(await world.differences()).toEqual([]);
});

test('a run that is another’s by now writes nothing', async () => {
  await corrupt();
  const lost = new Error('the run is lost');
  let asked = 0;
  const guard = (): Promise<never> => {
    asked += 1;
    return Promise.reject(lost);
  };
  await expect(world.reconcile({ guard })).rejects.toBe(lost);
  expect(asked).toBe(1);
  expect(await world.db.query('SELECT FROM state.key_mark')).toEqual([]);
});

describe('where nobody derives', () => {
  test('what differs is found and marked, and told to be left', async () => {
    await corrupt();
    const keys = await corrupted();
    // The stream has to move on for the reconcile of rows, but what it brings would wake derivers that do not run here.
    await world.pause();
    await world.follow();
    const { verdict, recordsFailed } = await world.reconcile({ timeoutMs: 300 });
    expect(totalsOf(verdict)).toMatchObject({ different: keys, repaired: 0, left: keys });
    expect(recordsFailed).toBe(keys);
    expect(await world.db.query('SELECT FROM state.key_mark')).toHaveLength(keys);
    // Now they wait for their deriver, so they are skipped.
    const again = await world.reconcile({ timeoutMs: 300 });
    expect(totalsOf(again.verdict)).toMatchObject({ different: 0 });
    expect(again.verdict.skipped).toBeGreaterThanOrEqual(keys);
    await world.pause();
    await world.begin();
    await world.settle();
    expect(totalsOf((await world.reconcile()).verdict)).toMatchObject({ different: 0 });
  });

  test('of keys whose course may move nothing is said', async () => {
    await world.pause();
    await world.follow();
    await corrupt();
    await world.db.query('INSERT INTO state.course_mark (course_id) SELECT course_id FROM state.course');
    const { verdict } = await world.reconcile({ timeoutMs: 300, dryRun: true });
    expect(totalsOf(verdict)).toMatchObject({ different: 0 });
    expect(verdict.skipped).toBeGreaterThanOrEqual(await corrupted());
  });

  test('nor in the midst of an initial snapshot', async () => {
    await world.pause();
    await corrupt();
    await world.db.query("UPDATE stream_progress SET phase = 'snapshot'");
    const { verdict } = await world.reconcile({ mode: 'backfill', scope: { from: 0 }, timeoutMs: 300, dryRun: true });
    expect(totalsOf(verdict)).toMatchObject({ equal: 0, different: 0 });
    expect(verdict.skipped).toBeGreaterThanOrEqual(await corrupted());
  });
});

test('the source goes away: an error of its driver, so that the run is begun again', async () => {
  const { port } = world.source.address;
  const run = world.reconcile({ source: { ...world.source.address, host: '127.0.0.1', port: port === 1 ? 2 : 1 } });
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  expect(isDatabaseFault(error)).toBe(true);
});

describe('a source that is not what it was', () => {
  test('without a column it is an error that names it', async () => {
    await world.pause();
    await world.source.db.query('ALTER TABLE grades DROP COLUMN grade_max');
    await expect(world.reconcile()).rejects.toThrow(/public\.grades has no column grade_max/);
  });

  test('without a primary key, too', async () => {
    await world.pause();
    await world.source.db.query('ALTER TABLE grades DROP CONSTRAINT grades_pkey');
    await expect(world.reconcile()).rejects.toThrow(/primary key of the source table public\.grades is missing/);
  });

  test('a row filter would hide rows: so does it', async () => {
    await world.pause();
    await world.source.db.query(
      'ALTER PUBLICATION prepadata SET TABLE students, courses, enrollments, activity_logs, grades WHERE (grade_item IS NOT NULL)',
    );
    await expect(world.reconcile()).rejects.toThrow(/row filter on the table public\.grades/);
  });
});

test('settings that another process has adopted: nothing is compared with the wrong formulas', async () => {
  await world.pause();
  await world.db.query("INSERT INTO state.settings (fingerprint, described) VALUES ('another', '{}')");
  await expect(world.reconcile()).rejects.toMatchObject({ code: 'settings_changed' });
});
