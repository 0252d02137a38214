import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';
import {
  CONSOLE_METRICS,
  CONSOLE_STUDENTS,
  CONSOLE_TEMPORAL,
  CONSOLE_TREND,
  PATH_PREDICTOR,
  PATH_PREDICTOR_PROFILES,
  STUDENT_PROFILER,
} from './readers.ts';
import {
  failureOf,
  fillAnalytics,
  OWNER,
  type OwnedDatabase,
  PLAIN_OWNER,
  RECIPE,
  RoleWorld,
  SERVICES,
  type Service,
  TABLES,
} from './role-world.ts';

/*
 * Runs connectors/readers.sql as its head says, and then the services themselves: each connects as its role, creates its
 * tables and reads with its own queries. Only their address, user and password are set. Up to Postgres 14 everybody may
 * create tables in public; from 16 on CREATEROLE alone gives no right to other roles.
 */

const FIXED_NAMES_ONLY = ['public.student_metrics', 'public.institution_calendar'];
/** What a service may not read although it contains features. */
const UNSEEN: Readonly<Record<Service, readonly string[]>> = {
  student_profiler: FIXED_NAMES_ONLY,
  path_predictor: FIXED_NAMES_ONLY,
  teacher_console: ['compat.student_metrics', 'public.institution_calendar'],
  data_scientist: [],
};

let world: RoleWorld;

/** Runs the file as an owner who may not do all of it, then what its message says as an administrator. */
async function untilToldWhatToRun({ owner, superuser }: OwnedDatabase): Promise<string> {
  const refused = await failureOf(owner.query(RECIPE));
  expect(refused.message).toMatch(/may not make the roles of the readers, or not keep them out of public/);
  const statements = (refused.hint ?? '').replace(/^[^:]*: /, '');
  await superuser.query(statements);
  return statements;
}

onEachPostgres([14, 16, 18], (version, server) => {
  beforeAll(async () => {
    world = await RoleWorld.create(server());
  });
  afterAll(() => world.drop());

  describe('as the owner of the database, who may make roles', () => {
    let made: OwnedDatabase;
    let db: Database;
    const services = {} as Record<Service, Queryable>;
    beforeAll(async () => {
      made = await world.createAnalytics(OWNER);
      db = made.owner;
      await fillAnalytics(db);
      if (version < 15) await untilToldWhatToRun(made);
      await db.query(RECIPE);
      // Run again, for new views: nothing changes.
      await db.query(RECIPE);
      for (const service of SERVICES) services[service] = world.connect(made, service);
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
        'data_scientist.keys_of_feast',
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

    test('the data scientist reads every row and day, when days end, and what compat makes up', async () => {
      const { data_scientist: scientist } = services;
      expect(await scientist.query('SELECT FROM student_metrics')).toHaveLength(6);
      expect(await scientist.query('SELECT imputed FROM compat.student_metrics')).toHaveLength(6);
      expect((await scientist.query('SELECT FROM temporal_features')).length).toBeGreaterThan(3 * 31);
      expect(await scientist.query('SELECT today, time_zone FROM institution_calendar')).toEqual([]);
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
        for (const text of forbidden)
          expect([text, (await failureOf(reader.query(text))).code]).toEqual([text, '42501']);
        for (const unseen of UNSEEN[service])
          expect((await failureOf(reader.query(`SELECT FROM ${unseen}`))).code).toBe('42501');
      },
    );

    test('in compat the console would be told that it is wrong there, and not be given four rows', async () => {
      const wrong = await failureOf(services.student_profiler.query(CONSOLE_TEMPORAL, [1]));
      expect(wrong.message).toMatch(/course_id/);
    });

    test('run again after an update, it gives what is new', async () => {
      await db.query('CREATE VIEW compat.brand_new AS SELECT 1 AS one');
      expect((await failureOf(services.path_predictor.query('SELECT FROM compat.brand_new'))).code).toBe('42501');
      await db.query(RECIPE);
      expect(await services.path_predictor.query('SELECT one FROM brand_new')).toEqual([{ one: 1 }]);
    });

    test('PrepaData goes on making its tables in public', async () => {
      await db.query('CREATE TABLE public.still_ours (id integer)');
    });
  });

  test('an owner who may not make roles is told what an administrator has to run, and that works', async () => {
    await world.dropServices();
    const made = await world.createAnalytics(PLAIN_OWNER);
    const statements = await untilToldWhatToRun(made);
    expect(statements.match(/CREATE ROLE/g)).toHaveLength(4);
    await made.owner.query(RECIPE);
    const profiler = world.connect(made, 'student_profiler');
    await profiler.query(TABLES.student_profiler);
    expect(await profiler.query(STUDENT_PROFILER)).toEqual([]);
  });

  test('an administrator may run it, too, and the owner again', async () => {
    const made = await world.createAnalytics(PLAIN_OWNER);
    await made.superuser.query(RECIPE);
    await made.owner.query(RECIPE);
    const predictor = world.connect(made, 'path_predictor');
    await predictor.query(TABLES.path_predictor);
    expect(await predictor.query(PATH_PREDICTOR_PROFILES)).toEqual([]);
    expect((await failureOf(predictor.query('CREATE TABLE public.mine (id integer)'))).code).toBe('42501');
  });

  test('before the first start of PrepaData it says what is not there', async () => {
    const made = await world.createDatabase(OWNER);
    expect((await failureOf(made.superuser.query(RECIPE))).message).toBe('schema "compat" does not exist');
  });
});
