import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { cancelRun } from '#libs/store/runs/runs.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { ask, ended, forgetRuns, read, until } from './support.ts';

/* The role as its own process: its command line, its exit codes, its sudden death. */

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('runs_process');
});
afterAll(() => analytics.drop());
beforeEach(() => forgetRuns(analytics.db));
// A process left over from a failed test would take the runs of the next one.
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

const ROOT = path.resolve(import.meta.dirname, '../..');
const started: Running[] = [];

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
  ready(): Promise<void>;
}

function run(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Running {
  const { address } = analytics;
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'test/pipeline-runs/child.ts', ...args], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      LOG_LEVEL: 'warn',
      ...addressEnv('ANALYTICS_DB', address),
      ...addressEnv('SOURCE_DB', address),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const running: Running = {
    child,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err }))),
    ready: async () => {
      while (!/^ready/m.test(out)) {
        if (child.exitCode !== null) throw new Error(`it ended before it was ready:\n${out}${err}`);
        await sleep(20);
      }
    },
  };
  started.push(running);
  return running;
}

const once = (runner: string, ...args: string[]) => run(['--once', ...args], { FAKE_RUNNER: runner }).ended;

describe('the role', () => {
  test('executes what is asked for, and drains on SIGTERM', async () => {
    const { db } = analytics;
    const role = run();
    await role.ready();
    expect(await until(db, await ask(db), ended)).toMatchObject({ status: 'succeeded', attempts: 1 });
    await expect
      .poll(() => db.query<{ roles: string[] }>('SELECT roles FROM state.instance'))
      .toEqual([{ roles: ['reconcile'] }]);
    role.child.kill('SIGTERM');
    expect(await role.ended).toMatchObject({ code: 0, err: '' });
  });

  test('killed in the middle of a run leaves it to another process, which begins it again', async () => {
    const { db } = analytics;
    const id = await ask(db);
    const first = run([], { FAKE_RUNNER: 'endless' });
    await until(db, id, (state) => state.progress !== null);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(await read(db, id)).toMatchObject({ status: 'running', attempts: 1 });
    const second = run();
    expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 2 });
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
  });

  test('killed again and again leaves no run that is stuck', async () => {
    const { db } = analytics;
    const id = await ask(db);
    for (let attempts = 1; attempts <= 3; attempts += 1) {
      const process = run([], { FAKE_RUNNER: 'endless' });
      await until(db, id, (state) => state.attempts === attempts && state.status === 'running');
      process.child.kill('SIGKILL');
      await process.ended;
    }
    const last = run();
    const state = await until(db, id, ended);
    expect(state).toMatchObject({ status: 'failed', attempts: 3 });
    expect(state.reason).toMatch(/its process was gone/);
    expect(await until(db, await ask(db), ended)).toMatchObject({ status: 'succeeded' });
    last.child.kill('SIGTERM');
    await last.ended;
  });

  test('makes up at its start for a run that was missed', async () => {
    const { db } = analytics;
    const pattern = '30 1 * * *';
    await db.query("INSERT INTO state.schedule VALUES ($1, now() - interval '2 days')", [pattern]);
    const both = [run([], { PIPELINE_SCHEDULE: pattern }), run([], { PIPELINE_SCHEDULE: pattern })];
    await Promise.all(both.map((role) => role.ready()));
    for (;;) {
      const rows = await db.query<{ status: string }>('SELECT status FROM state.pipeline_run');
      if (rows[0]?.status === 'succeeded') break;
      await sleep(20);
    }
    await sleep(1_500);
    for (const role of both) role.child.kill('SIGTERM');
    await Promise.all(both.map((role) => role.ended));
    const rows = await db.query('SELECT requested_by, status, attempts FROM state.pipeline_run');
    expect(rows).toEqual([{ requested_by: 'schedule', status: 'succeeded', attempts: 1 }]);
  });
});

describe('--once', () => {
  test('prints the verdict as a table; 0 where all is equal', async () => {
    const { code, out } = await once('equal');
    expect(out).toMatch(/^run [0-9a-f-]{36}, reconcile: succeeded after \d+\.\d s$/m);
    expect(out).toMatch(/^rows +equal +mismatched +missing +extra +repaired$/m);
    expect(out).toMatch(/^grades +3 +0 +0 +0 +0$/m);
    expect(out).toContain('1 feature is equal in every row.');
    expect(out).toContain('All 5 are equal.');
    expect(code).toBe(0);
  });

  test('0 where all was repaired, 1 where something is left, 1 where a dry run found something', async () => {
    const [repaired, left, dry] = [
      await once('repairing'),
      await once('leaving'),
      await once('repairing', '--dry-run'),
    ];
    expect([repaired.code, left.code, dry.code]).toEqual([0, 1, 1]);
    expect(repaired.out).toContain('2 differ: 2 repaired, 0 left.');
    expect(left.out).toContain('2 differ: 1 repaired, 1 left.');
    expect(dry.out).toMatch(/reconcile, dry run: succeeded[\s\S]*2 differ: 0 repaired, 2 left\./);
    expect(dry.out).toMatch(/^grades +1,200 +0 +2 +0 +0$/m);
    expect(dry.out).toContain('row missed: 2\n');
    expect(dry.out).toContain('  grades e1: row missed, nothing instead of 7 of 10\n');
  });

  test('runs what the options say', async () => {
    const { db } = analytics;
    await db.query("INSERT INTO course (source_id) VALUES ('cccccccc-0000-4000-8000-000000000001')");
    const options = ['--mode', 'backfill', '--from', '2024-01-31', '--to', '2024-02-01', '--course', '1'];
    expect((await once('equal', ...options)).code).toBe(0);
    expect(await db.query('SELECT mode, scope, requested_by FROM state.pipeline_run')).toEqual([
      { mode: 'backfill', scope: { from: '2024-01-31', to: '2024-02-01', course_id: 1 }, requested_by: 'command' },
    ]);
  });

  test('says what it waits for while a database is away, and fails with the reason', async () => {
    const { code, out, err } = await once('away');
    expect(err).toMatch(/begins again at .*: attempt 1: connect ECONNREFUSED/);
    expect(out).toMatch(/failed after .*: attempt 3, the last: connect ECONNREFUSED/);
    expect(code).toBe(1);
  });

  test('names the run that is in its way', async () => {
    const id = await ask(analytics.db);
    const { code, err } = await once('equal');
    expect(err).toContain(`run ${id} is queued, and runs go one at a time`);
    expect(code).toBe(1);
  });

  test('is cancelled by SIGINT, and by anybody else', async () => {
    const { db } = analytics;
    for (const by of ['signal', 'request'] as const) {
      const program = run(['--once'], { FAKE_RUNNER: 'endless' });
      let id: string | undefined;
      while (id === undefined) {
        await sleep(20);
        const rows = await db.query<{ run_id: string }>(
          "SELECT run_id FROM state.pipeline_run WHERE status = 'running'",
        );
        id = rows[0]?.run_id;
      }
      if (by === 'signal') program.child.kill('SIGINT');
      else await cancelRun(db, id);
      const { code, out } = await program.ended;
      expect(out).toContain('cancelled after');
      expect(code).toBe(1);
      expect(await read(db, id)).toMatchObject({ status: 'cancelled' });
    }
  });
});

describe('what is wrong with the command or the settings', () => {
  test.each([
    [['--once', '--mode', 'backfill'], {}, 'from is missing'],
    [['--once', '--from', '2999-01-01'], {}, 'from is "2999-01-01": it lies in the future'],
    [['--once', '--from', '2024-02-02', '--to', '2024-02-01'], {}, 'it lies after to'],
    [['--once', '--mode', 'forward'], {}, 'mode is "forward": reconcile or backfill is expected'],
    [['--dry-run'], {}, '--once is missing'],
    [['--twice'], {}, "Unknown option '--twice'"],
    [[], { PIPELINE_SCHEDULE: 'at night' }, 'PIPELINE_SCHEDULE=at night is not a cron pattern'],
    [[], { SOURCE_DB_HOST: '' }, 'SOURCE_DB_HOST is not set'],
  ])('%j %j ends it with 2', async (args, env, message) => {
    const { code, err } = await run(args, env).ended;
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(await analytics.db.query('SELECT 1 FROM state.pipeline_run')).toEqual([]);
  });

  test('a course that was never seen is named', async () => {
    const { code, err } = await once('equal', '--course', '4711');
    expect(err).toContain('there is no course 4711');
    expect(code).toBe(1);
  });

  test('--help tells everything', async () => {
    const { code, out } = await run(['--help'], { ANALYTICS_DB_HOST: '' }).ended;
    expect(out).toMatch(/--once[\s\S]*--dry-run[\s\S]*PIPELINE_SCHEDULE/);
    expect(code).toBe(0);
  });
});
