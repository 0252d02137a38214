import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { SESSION_LIMITS } from '#libs/store/schema/session-limits.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf } from './equal.ts';
import { RoleProcess } from './role-process.ts';

/* Every process logs in as its own role of connectors/analytics-roles.sql, in a database whose owner is not a superuser. */

const PASSWORD = 'a password of the test';
const TOKEN = 'a-token-of-the-test';
const OWNER = `analytics_owner_${process.pid}`;
const ROLES = ['prepadata_writer', 'prepadata_reconcile', 'prepadata_api'] as const;
type Role = (typeof ROLES)[number];
const RECIPE = readFileSync(new URL('../../connectors/analytics-roles.sql', import.meta.url), 'utf8').replaceAll(
  "'change-me'",
  `'${PASSWORD}'`,
);

let source: TestDatabase;
let analytics: TestDatabase;
let env: Record<string, string>;
const running: RoleProcess[] = [];
const open: Database[] = [];

const addressAs = (user: string): DatabaseAddress => ({ ...analytics.address, user, password: PASSWORD });
const connectAs = (user: string): Database => {
  const db = openDatabase(addressAs(user), { connections: 2, name: `test ${user}` });
  open.push(db);
  return db;
};
function start(program: string, user: string, ...words: string[]): RoleProcess {
  const process = new RoleProcess(program, { ...env, ...addressEnv('ANALYTICS_DB', addressAs(user)) }, words);
  running.push(process);
  return process;
}

const ask = (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${TOKEN}` } });

beforeAll(async () => {
  [source, analytics] = await Promise.all([createSourceDatabase('privilege'), createTestDatabase('privilege_to')]);
  await seedCampus(source.db, { students: 12, seed: '3', now: Date.now() });
  await analytics.db.query(`CREATE ROLE ${OWNER} LOGIN CREATEROLE PASSWORD '${PASSWORD}'`);
  await analytics.db.query(`ALTER DATABASE ${analytics.address.database} OWNER TO ${OWNER}`);
  env = {
    ...addressEnv('SOURCE_DB', source.address),
    SOURCE_SLOT: source.address.database.slice(0, 50),
    SOURCE_SLOT_LIMIT: 'none',
    API_PORT: '0',
    API_TOKENS: `test:${TOKEN}:read|run|ops`,
    ERASURE_KEY: 'a key of the test that nobody could guess',
  };
});

afterAll(async () => {
  await Promise.all(running.map((process) => process.end('SIGKILL')));
  await Promise.all(open.map((db) => db.close()));
  await analytics.db.query(`REASSIGN OWNED BY ${OWNER} TO CURRENT_USER`);
  for (const role of [OWNER, ...ROLES]) await analytics.db.query(`DROP OWNED BY ${role}`);
  await Promise.all([source.drop(), analytics.drop()]);
  const admin = await createTestDatabase('privilege_gone', 1);
  await admin.db.query(`DROP ROLE ${[...ROLES, OWNER].join(', ')}`);
  await admin.drop();
});

test('each role does its work, whole, with what it is granted', async () => {
  expect(await start('migrate', OWNER).ended()).toEqual({ code: 0, signal: null });
  await connectAs(OWNER).query(RECIPE);
  const [api] = await Promise.all([
    start('api', 'prepadata_api').ready(),
    ...['engagement', 'performance', 'anomaly'].map((role) => start(role, 'prepadata_writer').ready()),
    start('reconcile', 'prepadata_reconcile').ready(),
  ]);
  const url = api.output.split('\n')[0] ?? '';
  await expect.poll(async () => (await ask(`${url}/api/ready`)).status).toBe(200);
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20 })).toEqual([]);

  // One fault of each kind, so that there is something to repair.
  await analytics.db.query(`UPDATE engagement_features SET engagement_score = 1.11 WHERE student_id = 1`);
  await analytics.db.query(`DELETE FROM performance_features WHERE student_id = 2`);
  await analytics.db.query(`DELETE FROM state.image_grades WHERE id IN (SELECT id FROM state.image_grades LIMIT 3)`);
  const answer = await ask(`${url}/api/pipeline/trigger?wait=true`, { method: 'POST' });
  expect(await answer.json()).toMatchObject({ status: 'succeeded', reason: null, records_failed: 0 });
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20 })).toEqual([]);

  const [{ source_id: student }] = (await (await ask(`${url}/api/students?limit=1`)).json()) as [{ source_id: string }];
  const asked = await ask(`${url}/api/erase`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ student }),
  });
  const { erasure_id: erasureId } = (await asked.json()) as { erasure_id: string };
  expect(asked.status).toBe(202);
  const status = async () => ((await (await ask(`${url}/api/erase/${erasureId}`)).json()) as { status: string }).status;
  await expect.poll(status).toBe('finished');
  expect((await ask(`${url}/api/metrics/student/${student}`)).status).toBe(404);
  expect(await start('erase', OWNER, '--student', student, '--readmit').ended()).toMatchObject({ code: 0 });

  const cancelled = await ask(`${url}/api/pipeline/trigger`, { method: 'POST' });
  const { run_id: runId } = (await cancelled.json()) as { run_id: string };
  const cancel = await ask(`${url}/api/pipeline/cancel`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ run_id: runId }),
  });
  expect([200, 202, 409], api.output).toContain(cancel.status);
  for (const process of running) expect(process.output).not.toMatch(/permission denied/);
}, 180_000);

describe('what a role may not', () => {
  const FORBIDDEN: readonly (readonly [Role, string])[] = [
    ...ROLES.flatMap((role) =>
      [
        'CREATE TABLE mine (id integer)',
        'CREATE TABLE state.mine (id integer)',
        'DROP TABLE engagement_features',
        'TRUNCATE state.image_grades',
        "INSERT INTO schema_version (version, name) VALUES (9999, 'mine')",
        "INSERT INTO state.schema_view (name, sha256) VALUES ('mine', 'x')",
        'DELETE FROM state.settings',
        'CREATE OR REPLACE VIEW student_metrics AS SELECT 1 AS id',
        "COPY student TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        `ALTER ROLE ${OWNER} PASSWORD 'mine'`,
      ].map((statement) => [role, statement] as const),
    ),
    ['prepadata_writer', "UPDATE state.pipeline_run SET reason = 'mine'"],
    ['prepadata_writer', 'DELETE FROM pipeline_logs'],
    ['prepadata_reconcile', 'UPDATE engagement_features SET engagement_score = 0'],
    ['prepadata_reconcile', "UPDATE state.engagement_series SET first_day = '2020-01-01'"],
    ['prepadata_reconcile', 'INSERT INTO anomaly_features SELECT * FROM anomaly_features'],
    ['prepadata_reconcile', "UPDATE state.course_class SET first_day = '2020-01-01'"],
    ['prepadata_writer', 'DELETE FROM state.erased_student'],
    ['prepadata_writer', "INSERT INTO state.erasure (source_id, requested_by) VALUES (gen_random_uuid(), 'mine')"],
    ['prepadata_api', 'DELETE FROM state.erased_student'],
    ['prepadata_api', "UPDATE state.erasure SET status = 'queued'"],
    ['prepadata_api', "INSERT INTO state.erasure (status, requested_by) VALUES ('removed', 'mine')"],
    ['prepadata_api', 'DELETE FROM student'],
    ['prepadata_api', 'UPDATE engagement_features SET engagement_score = 0'],
    ['prepadata_api', 'DELETE FROM state.image_students'],
    ['prepadata_api', 'DELETE FROM state.pipeline_run'],
    ['prepadata_api', 'INSERT INTO state.key_mark SELECT * FROM state.key_mark'],
    ['prepadata_api', 'DELETE FROM rejected_change'],
  ];

  test.each(FORBIDDEN)('%s: %s', async (role, statement) => {
    await expect(connectAs(role).query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

test('a role that finds the schema of an earlier version waits for the owner, and says so', async () => {
  await analytics.db.query("UPDATE state.schema_view SET sha256 = 'before' WHERE name LIKE '%student_metrics.sql'");
  const stopping = new AbortController();
  const said: string[] = [];
  const db = await openAnalytics(addressAs('prepadata_api'), {
    name: 'test waiting',
    role: 'api',
    log: openLog('silent'),
    signal: stopping.signal,
    onWaiting: (sentence) => {
      said.push(sentence);
      stopping.abort();
    },
  });
  await db.close();
  expect(said[0]).toMatch(/earlier version, and the user prepadata_api may not change it/);
  expect(await start('migrate', OWNER).ended()).toEqual({ code: 0, signal: null });
});

describe('limits on time', () => {
  const NAMES = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'] as const;
  const shown = `SELECT jsonb_object_agg(name, setting) AS limits FROM pg_settings WHERE name IN ('${NAMES.join("', '")}')`;

  test.each(['writer', 'reconcile', 'api'] as const)('%s has them as a login, and sets them itself', async (role) => {
    const address = addressAs(`prepadata_${role}`);
    const bare = new pg.Client({ ...address });
    await bare.connect();
    const asLogin = (await bare.query<{ limits: object }>(shown)).rows[0]?.limits;
    await bare.end();
    expect(asLogin).toEqual(SESSION_LIMITS[role]);
    // Likewise where all processes log in as one owner.
    const options = { name: 'test limits', role, log: openLog('silent'), signal: new AbortController().signal };
    const db = await openAnalytics({ ...address, user: OWNER }, options);
    open.push(db);
    expect(await db.query(shown)).toEqual([{ limits: SESSION_LIMITS[role] }]);
  });
});

describe('npm run migrate with passwords of logins', () => {
  const SECRETS = {
    ANALYTICS_WRITER_PASSWORD: "the writer's $& own",
    // Letters that a server takes for others: ² and an ellipsis; a no-break space, é as two characters, one that is not seen.
    ANALYTICS_RECONCILE_PASSWORD: 'the reconcile² own\u2026',
    ANALYTICS_API_PASSWORD: 'the\u00a0api e\u0301 \u00adown',
  };
  const migrateWith = (secrets: Partial<typeof SECRETS>): RoleProcess => {
    const process = new RoleProcess('migrate', {
      ...env,
      ...addressEnv('ANALYTICS_DB', addressAs(OWNER)),
      ...secrets,
    });
    running.push(process);
    return process;
  };
  const enter = async (user: Role, password: string): Promise<string> => {
    const client = new pg.Client({ ...addressAs(user), password });
    try {
      await client.connect();
      return 'in';
    } catch (error) {
      return String((error as { code?: unknown }).code);
    } finally {
      await client.end().catch(() => {});
    }
  };

  test('makes the logins where there are none, and gives them these passwords and their rights', async () => {
    await analytics.db.query('DROP OWNED BY prepadata_api');
    await analytics.db.query('DROP ROLE prepadata_api');
    const migrate = migrateWith(SECRETS);
    expect(await migrate.ended(), migrate.output).toEqual({ code: 0, signal: null });
    for (const secret of Object.values(SECRETS)) expect(migrate.output).not.toContain(secret);
    expect(await enter('prepadata_writer', PASSWORD)).toBe('28P01');
    expect(await enter('prepadata_writer', SECRETS.ANALYTICS_WRITER_PASSWORD)).toBe('in');
    expect(await enter('prepadata_reconcile', SECRETS.ANALYTICS_RECONCILE_PASSWORD)).toBe('in');
    expect(await enter('prepadata_api', SECRETS.ANALYTICS_API_PASSWORD)).toBe('in');
    const api = openDatabase({ ...addressAs('prepadata_api'), password: SECRETS.ANALYTICS_API_PASSWORD });
    open.push(api);
    expect(await api.query('SELECT count(*)::int AS n FROM student_metrics')).toHaveLength(1);
    await expect(api.query('DELETE FROM state.image_students')).rejects.toMatchObject({ code: '42501' });
  });

  test('says which passwords are missing', async () => {
    const migrate = migrateWith({ ANALYTICS_API_PASSWORD: 'alone' });
    expect(await migrate.ended()).toEqual({ code: 2, signal: null });
    expect(migrate.output).toContain('ANALYTICS_WRITER_PASSWORD and ANALYTICS_RECONCILE_PASSWORD are not set');
  });

  test('says what to do where the owner may make no logins', async () => {
    await analytics.db.query(`ALTER ROLE ${OWNER} NOCREATEROLE`);
    const migrate = migrateWith(SECRETS);
    expect(await migrate.ended(), migrate.output).toEqual({ code: 2, signal: null });
    expect(migrate.output).toContain('give it CREATEROLE');
    expect(migrate.output).not.toContain('SCRAM');
  });
});
