import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf } from './equal.ts';
import { RoleProcess } from './role-process.ts';

/* Every role as its own process, on one source and one analytics database: what they share is in the databases. */

let source: TestDatabase;
let analytics: TestDatabase;
let env: Record<string, string>;
const running: RoleProcess[] = [];

const start = (role: string, more: Record<string, string> = {}): RoleProcess => {
  const process = new RoleProcess(role, { ...env, ...more });
  running.push(process);
  return process;
};

beforeAll(async () => {
  [source, analytics] = await Promise.all([createSourceDatabase('roles'), createTestDatabase('roles_analytics')]);
  await seedCampus(source.db, { students: 20, seed: '3', now: Date.now() });
  env = {
    ...addressEnv('SOURCE_DB', source.address),
    ...addressEnv('ANALYTICS_DB', analytics.address),
    SOURCE_SLOT: source.address.database.slice(0, 50),
    SOURCE_SLOT_LIMIT: 'none',
    API_PORT: '0',
  };
});

afterAll(async () => {
  await Promise.all(running.map((process) => process.end('SIGKILL')));
  await Promise.all([source.drop(), analytics.drop()]);
});

interface Readiness {
  readonly status: string;
  readonly reasons?: readonly string[];
}

async function readiness(api: RoleProcess): Promise<Readiness> {
  const url = api.output.split('\n')[0] ?? '';
  return (await (await fetch(`${url}/api/ready`)).json()) as Readiness;
}

/** @param reasons that the final answer gives; while one process takes over from another, it gives others */
async function untilReady(api: RoleProcess, status: string, reasons = /^/): Promise<void> {
  for (const until = Date.now() + 110_000; ; await sleep(50)) {
    const answer = await readiness(api);
    if (answer.status === status && reasons.test(answer.reasons?.join() ?? '')) return;
    if (Date.now() > until) throw new Error(`${answer.status} for so long: ${answer.reasons?.join('; ')}`);
  }
}

const LATE_VIEW = `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
  SELECT student_id, course_id, 'view', now() FROM enrollments ORDER BY id LIMIT 5`;

test('roles apart do what one process does, stand in for each other, and end when told', async () => {
  const migrate = start('migrate');
  expect(await migrate.ended()).toEqual({ code: 0, signal: null });
  const api = await start('api').ready();
  expect(await readiness(api)).toMatchObject({
    status: 'not ready',
    reasons: [
      'no process of the role engagement is heard of: each reports every 2 s',
      'no process of the role performance is heard of: each reports every 2 s',
      'no process of the role anomaly is heard of: each reports every 2 s',
    ],
  });

  const [first, second, performing, flagging] = await Promise.all([
    start('engagement').ready(),
    start('engagement').ready(),
    start('performance').ready(),
    start('anomaly').ready(),
  ]);
  await untilReady(api, 'ready');
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20 })).toEqual([]);

  // Whichever of the three reads the slot, it is gone in a moment, and another takes over.
  await Promise.all([first.end('SIGKILL'), performing.end('SIGKILL'), flagging.end('SIGKILL')]);
  await source.db.query(LATE_VIEW);
  await Promise.all([start('performance').ready(), start('anomaly').ready()]);
  await untilReady(api, 'ready');
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20 })).toEqual([]);

  expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
  await untilReady(api, 'not ready', /no process of the role engagement/);
  expect(await api.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

test('a role with other settings writes nothing until they are adopted', async () => {
  const other = { PASS_MARK: '60' };
  const refused = start('engagement', other);
  expect(await refused.ended()).toEqual({ code: 3, signal: null });
  expect(refused.output).toMatch(/made with other settings: PASS_MARK[\s\S]*npm run migrate/);

  const [before, flagging] = [start('performance'), start('anomaly')];
  await Promise.all([before.ready(), flagging.ready()]);
  const migrate = start('migrate', other);
  expect(await migrate.ended()).toEqual({ code: 0, signal: null });
  expect(migrate.output).toMatch(/Settings changed \(PASS_MARK\)/);
  await source.db.query(LATE_VIEW);
  expect((await before.ended()).code).toBe(3);
  // It takes nothing in: it is its deriver that is refused.
  expect((await flagging.ended()).code).toBe(3);
  await Promise.all(['engagement', 'performance', 'anomaly'].map((role) => start(role, other).ready()));
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20, pass_mark: '60' })).toEqual([]);
});

test('a role without a database says which setting is missing', async () => {
  const lost = new RoleProcess('performance', { ANALYTICS_DB_HOST: '' });
  expect((await lost.ended()).code).toBe(2);
  expect(lost.output).toMatch(/ANALYTICS_DB_HOST is not set[\s\S]*set ANALYTICS_DB_HOST/);
});
