import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import {
  type Database,
  openDatabase,
  type Queryable,
  type SqlStatement,
  type SqlValue,
} from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/migrate.ts';
import { addCourseState, addEngagementSeries, addPeople, insertAll } from '../api/support.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  CONSOLE_METRICS,
  CONSOLE_STUDENTS,
  CONSOLE_TEMPORAL,
  CONSOLE_TREND,
  PATH_PREDICTOR,
  PATH_PREDICTOR_PROFILES,
  STUDENT_PROFILER,
} from './readers.ts';

/*
 * connectors/readers.sql, run as its head says, and then the services themselves: each connects as its role, makes its tables
 * and reads by its own queries. Nothing of theirs is set but the address, the user and the password.
 */

const FILE = readFileSync(new URL('../../connectors/readers.sql', import.meta.url), 'utf8');
const SERVICES = ['student_profiler', 'path_predictor', 'teacher_console'] as const;
type Service = (typeof SERVICES)[number];
const PASSWORD = "it's secret";
const RECIPE = FILE.replaceAll("'change-me'", `'${PASSWORD.replace("'", "''")}'`);
/** Owners of analytics databases: one that may make roles, and one that may not. */
const [OWNER, PLAIN_OWNER] = [`owner_${process.pid}`, `plain_owner_${process.pid}`];

let admin: TestDatabase;
let today: string;
const open: Database[] = [];
const pools: pg.Pool[] = [];
const opened: TestDatabase[] = [];

function connect(to: TestDatabase, user: string): Database {
  const db = openDatabase({ ...to.address, user, password: PASSWORD }, { connections: 2 });
  open.push(db);
  return db;
}

/** A connection of a service: none of the settings that PrepaData gives to its own. */
function connectService(to: TestDatabase, service: Service): Queryable {
  const pool = new pg.Pool({ ...to.address, user: service, password: PASSWORD, max: 1 });
  pools.push(pool);
  return {
    query: async <R extends object>(text: SqlStatement | string, values: readonly SqlValue[] = []): Promise<R[]> =>
      (await pool.query(String(text), [...values])).rows as R[],
  };
}

/** An analytics database as an administrator makes it for its owner, and as PrepaData's first start leaves it. */
async function createOwned(purpose: string, owner: string): Promise<{ test: TestDatabase; db: Database }> {
  const made = await createTestDatabase(purpose);
  opened.push(made);
  await made.db.query(`ALTER DATABASE "${made.address.database}" OWNER TO ${owner}`);
  const db = connect(made, owner);
  await migrate(db);
  return { test: made, db };
}

const failure = (work: Promise<unknown>): Promise<{ code?: string; message?: string; hint?: string }> =>
  work.then(
    () => ({}),
    (error: object) => error,
  );

/** Roles belong to the server, what they own to each database. */
async function dropServices(): Promise<void> {
  const known = await admin.db.query<{ role: string }>(
    'SELECT rolname::text AS role FROM pg_roles WHERE rolname = ANY ($1)',
    [[...SERVICES]],
  );
  for (const { role } of known) {
    for (const { db } of opened) await db.query(`DROP OWNED BY ${role} CASCADE`);
    await admin.db.query(`DROP ROLE ${role}`);
  }
}

beforeAll(async () => {
  admin = await createTestDatabase('roles_admin');
  await dropServices();
  await admin.db.query(`CREATE ROLE ${OWNER} LOGIN CREATEROLE PASSWORD '${PASSWORD.replace("'", "''")}'`);
  await admin.db.query(`CREATE ROLE ${PLAIN_OWNER} LOGIN PASSWORD '${PASSWORD.replace("'", "''")}'`);
  const [row] = await admin.db.query<{ today: string }>('SELECT CURRENT_DATE AS today');
  today = row?.today ?? '';
});
afterAll(async () => {
  for (const pool of pools) await pool.end();
  for (const db of open) await db.close();
  await dropServices();
  for (const made of opened) await made.drop();
  for (const role of [OWNER, PLAIN_OWNER]) await admin.db.query(`DROP ROLE IF EXISTS ${role}`);
  await admin.drop();
});

const daysAgo = (days: number): string => formatDay(parseDay(today) - days);

async function fill(db: Database): Promise<void> {
  await addPeople(db, 3, 2);
  for (const course of [1, 2]) await addCourseState(db, course, today);
  const keys = [1, 2, 3].flatMap((student_id) => [1, 2].map((course_id) => ({ student_id, course_id })));
  await insertAll(
    db,
    'engagement_features',
    keys.map((key) => ({ ...key, engagement_score: 10 * key.student_id + key.course_id, engagement_ma30: 50 })),
  );
  await insertAll(db, 'performance_features', [{ student_id: 1, course_id: 1, success_rate: 66.67 }]);
  const days = Array.from({ length: 40 }, (_, n) => 100 * n);
  for (const key of keys)
    await addEngagementSeries(db, key, { first_day: daysAgo(39), score: days, ma7: days, ma30: days });
}

/** What each service makes at its start, in whatever schema comes first. */
const TABLES: Readonly<Record<Service, string>> = {
  student_profiler: `
    CREATE TABLE IF NOT EXISTS student_profiles (
      id serial PRIMARY KEY, student_id integer UNIQUE NOT NULL, profile varchar(50) NOT NULL, cluster integer,
      features jsonb, updated_at timestamp DEFAULT now());
    CREATE TABLE IF NOT EXISTS profile_history (
      id serial PRIMARY KEY, student_id integer NOT NULL, profile varchar(50) NOT NULL, changed_at timestamp DEFAULT now());
    INSERT INTO student_profiles (student_id, profile) VALUES (1, 'assiduous'), (2, 'at risk')
      ON CONFLICT (student_id) DO UPDATE SET profile = excluded.profile`,
  path_predictor: `
    CREATE TABLE IF NOT EXISTS predictions (
      id serial PRIMARY KEY, student_id integer NOT NULL, module_id integer NOT NULL, probability_fail double precision,
      predicted_at timestamp DEFAULT now());
    CREATE TABLE IF NOT EXISTS model_metadata (id serial PRIMARY KEY, version varchar(50), auc double precision);
    CREATE TABLE IF NOT EXISTS student_profiles (student_id integer PRIMARY KEY, profile varchar(50));
    INSERT INTO student_profiles VALUES (1, 'a profile of PathPredictor''s own') ON CONFLICT DO NOTHING`,
  teacher_console: 'CREATE TABLE IF NOT EXISTS teacher_notes (id serial PRIMARY KEY, student_id integer, note text)',
};

describe('as the owner of the database, who may make roles', () => {
  let test_: TestDatabase;
  let db: Database;
  const services = {} as Record<Service, Queryable>;
  beforeAll(async () => {
    ({ test: test_, db } = await createOwned('roles', OWNER));
    await fill(db);
    await db.query(RECIPE);
    // Run again, for views that are new: nothing changes.
    await db.query(RECIPE);
    for (const service of SERVICES) services[service] = connectService(test_, service);
    for (const service of SERVICES) await services[service].query(TABLES[service]);
    // A second start.
    for (const service of SERVICES) await services[service].query(TABLES[service]);
  });

  test('each service finds its tables in a schema of its own, and none in ours', async () => {
    const tables = await db.query<{ name: string }>(
      `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE tableowner = ANY ($1) ORDER BY 1`,
      [[...SERVICES]],
    );
    expect(tables.map((table) => table.name)).toEqual([
      'path_predictor.model_metadata',
      'path_predictor.predictions',
      'path_predictor.student_profiles',
      'student_profiler.profile_history',
      'student_profiler.student_profiles',
      'teacher_console.teacher_notes',
    ]);
  });

  test.each([
    ['student_profiler', STUDENT_PROFILER],
    ['path_predictor', PATH_PREDICTOR],
  ] as const)('%s reads a row for every student and course, without a null', async (service, text) => {
    const rows = await services[service].query<Record<string, unknown>>(text);
    expect(rows).toHaveLength(6);
    for (const { passed: _, ...row } of rows) expect(Object.values(row)).not.toContain(null);
  });

  test('the profiles that PathPredictor joins are those of its own schema, and do not multiply rows', async () => {
    const rows = await services.path_predictor.query<{ student_id: number; profile: string | null }>(
      `${PATH_PREDICTOR_PROFILES} ORDER BY sm.student_id, sm.module_id`,
    );
    const own = "a profile of PathPredictor's own";
    expect(rows.map((row) => [row.student_id, row.profile])).toEqual([
      [1, own],
      [1, own],
      [2, null],
      [2, null],
      [3, null],
      [3, null],
    ]);
  });

  test('the console reads every day of every student, and unknown stays null', async () => {
    const { teacher_console: console_ } = services;
    expect(await console_.query(CONSOLE_TEMPORAL, [1])).toHaveLength(3 * 31);
    const trend = await console_.query<{ course_id: number; engagement: string }>(CONSOLE_TREND);
    expect(trend).toHaveLength(2 * 31);
    expect(Number(trend.at(-1)?.engagement)).toBe(39);
    expect(await console_.query(CONSOLE_METRICS, [2])).toHaveLength(3);
    const students = await console_.query<Record<string, unknown>>(CONSOLE_STUDENTS);
    expect(students.map((row) => [Number(row['engagement']), row['success_rate']])).toEqual([
      [11.5, expect.stringMatching(/^66\.67/)],
      [21.5, null],
      [31.5, null],
    ]);
  });

  test.each(SERVICES.map((service) => [service]))(
    '%s may write nothing of ours, and read nothing but features',
    async (service) => {
      const reader = services[service];
      const forbidden = [
        ...['state.key', 'state.course', 'state.image_grades', 'state.calendar'].map((name) => `SELECT FROM ${name}`),
        ...['rejected_change', 'outbox', 'stream_progress', 'pipeline_logs', 'student', 'course'].map(
          (name) => `SELECT FROM public.${name}`,
        ),
        'UPDATE public.engagement_features SET engagement_score = 0',
        'DELETE FROM public.performance_features',
        "INSERT INTO public.student (source_id) VALUES ('00000000-0000-4000-8000-000000000000')",
        'TRUNCATE public.anomaly_features',
        'CREATE TABLE public.mine (id integer)',
        'CREATE TABLE compat.mine (id integer)',
        'CREATE TABLE state.mine (id integer)',
        'CREATE SCHEMA mine',
        'DROP VIEW compat.student_metrics',
        ...SERVICES.filter((other) => other !== service).map((other) => `CREATE TABLE ${other}.mine (id integer)`),
      ];
      for (const text of forbidden) expect([text, (await failure(reader.query(text))).code]).toEqual([text, '42501']);
      const unseen = service === 'teacher_console' ? 'compat.student_metrics' : 'public.student_metrics';
      expect((await failure(reader.query(`SELECT FROM ${unseen}`))).code).toBe('42501');
    },
  );

  test('in compat the console would be told that it is wrong there, and not be given four rows', async () => {
    const wrong = await failure(services.student_profiler.query(CONSOLE_TEMPORAL, [1]));
    expect(wrong.message).toMatch(/course_id/);
  });

  test('run again after an update, it gives what is new', async () => {
    await db.query('CREATE VIEW compat.brand_new AS SELECT 1 AS one');
    expect((await failure(services.path_predictor.query('SELECT FROM compat.brand_new'))).code).toBe('42501');
    await db.query(RECIPE);
    expect(await services.path_predictor.query('SELECT one FROM brand_new')).toEqual([{ one: 1 }]);
  });

  test('where Postgres lets everybody make tables in public, as 14 does, an administrator running it ends that', async () => {
    await test_.db.query('ALTER SCHEMA public OWNER TO CURRENT_USER; GRANT CREATE ON SCHEMA public TO PUBLIC');
    await test_.db.query(RECIPE);
    expect((await failure(services.teacher_console.query('CREATE TABLE public.mine (id integer)'))).code).toBe('42501');
    await db.query('CREATE TABLE public.still_ours (id integer)');
  });
});

test('an owner who may not make roles is told what an administrator has to run, and that works', async () => {
  const { test: made, db } = await createOwned('roles_plain', PLAIN_OWNER);
  await dropServices();
  const refused = await failure(db.query(RECIPE));
  expect(refused.message).toContain(`${PLAIN_OWNER} may not make the roles of the readers`);
  const statements = (refused.hint ?? '').replace(/^[^:]*: /, '');
  expect(statements.match(/CREATE ROLE/g)).toHaveLength(3);
  await made.db.query(statements);
  await db.query(RECIPE);
  const profiler = connectService(made, 'student_profiler');
  await profiler.query(TABLES.student_profiler);
  expect(await profiler.query(STUDENT_PROFILER)).toEqual([]);
});

test('before the first start of PrepaData it says what is not there', async () => {
  const made = await createTestDatabase('roles_early');
  opened.push(made);
  expect((await failure(made.db.query(RECIPE))).message).toBe('schema "compat" does not exist');
});
