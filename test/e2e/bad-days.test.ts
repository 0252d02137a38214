import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { rollOver, SET_BACK_COMMAND } from '#libs/pipeline/rollover.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { type EmbeddedPostgres, freePort, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import { readToday } from '#libs/store/keys/calendar.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';
import { differencesOf } from './equal.ts';
import { eventually, newDataDir, Program, runCommand } from './program.ts';

/*
 * What production does to a program: each test runs the program itself on the test's own databases, then checks its
 * output and every feature.
 */

const folder = path.dirname(newDataDir());
const SERVER = {
  folder: path.join(folder, 'server'),
  settings: { fsync: 'off', wal_level: 'logical', max_slot_wal_keep_size: '2GB' },
};
let server: EmbeddedPostgres;
let source: Database;

beforeAll(async () => {
  server = await startEmbeddedPostgres(SERVER);
  for (const name of ['lms', 'features']) await server.ensureDatabase(name);
  source = openDatabase(server.address('lms'), { connections: 4 });
  await source.query(LAX_SOURCE_SCHEMA);
  await source.query(FILL);
});
afterAll(async () => {
  await source.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const id = (kind: string, n: string): string =>
  `('${kind.repeat(8)}-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** 30 students in 2 courses, with everything a course can have. */
const FILL = `
  INSERT INTO students (id, external_id) SELECT ${id('a', 'n')}, n::text FROM generate_series(1, 30) AS n;
  INSERT INTO courses (id, external_id, fullname) SELECT ${id('c', 'n')}, n::text, 'Course ' || n FROM generate_series(1, 2) AS n;
  INSERT INTO enrollments (student_id, course_id, enrolled_at)
    SELECT ${id('a', 's')}, ${id('c', 'c')}, now() - interval '40 days' FROM generate_series(1, 30) AS s, generate_series(1, 2) AS c;
  INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, duration_seconds, timestamp)
    SELECT ${id('a', '1 + n % 30')}, ${id('c', '1 + n % 2')}, (ARRAY['view', 'login', 'forum_post'])[1 + n % 3], 'r' || n % 7, n % 900,
           now() - n * interval '17 minutes'
    FROM generate_series(1, 3000) AS n;
  INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
    SELECT ${id('a', '1 + n % 30')}, ${id('c', '1 + n % 2')}, 'quiz ' || n % 5, n % 11, 10, now() - n * interval '3 hours'
    FROM generate_series(1, 200) AS n`;

const environment = (): Record<string, string> => ({
  ...addressEnv('SOURCE_DB', server.address('lms')),
  ...addressEnv('ANALYTICS_DB', server.address('features')),
  API_PORT: '0',
  DATA_DIR: path.join(folder, 'one'),
});
const differences = (): Promise<unknown[]> =>
  differencesOf(server.address('lms'), server.address('features'), { atLeast: 60 });

describe('refuses to start, says why and what to do, and leaves nothing behind', () => {
  const refused = async (env: Record<string, string>): Promise<{ code: number | null; output: string }> =>
    runCommand(['services/sandbox/local/main.ts'], {
      ...environment(),
      DATA_DIR: path.join(folder, 'refused'),
      ...env,
    });

  test('a wrong password of the source', async () => {
    const { code, output } = await refused({ SOURCE_DB_PASSWORD: 'wrong' });
    expect(code).toBe(2);
    expect(output).toMatch(/the source database 127\.0\.0\.1:\d+\/lms refused the user "prepadata"/);
    expect(output).toContain('check SOURCE_DB_USER and SOURCE_DB_PASSWORD');
    expect(output).not.toContain('    at ');
  });

  test('a wrong password of the analytics database, and one that is not there', async () => {
    const wrong = await refused({ ANALYTICS_DB_PASSWORD: 'wrong' });
    expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('correct ANALYTICS_DB_NAME') });
    const absent = await refused({ ANALYTICS_DB_NAME: 'nowhere' });
    expect(absent).toMatchObject({ code: 2, output: expect.stringContaining('database "nowhere" does not exist') });
  });

  test('a role without rights, with the SQL that gives them', async () => {
    const admin = openDatabase(server.admin('lms'), { connections: 1 });
    await admin.query(`CREATE ROLE poor LOGIN PASSWORD 'poor'`);
    const poor = { SOURCE_DB_USER: 'poor', SOURCE_DB_PASSWORD: 'poor' };
    const { code, output } = await refused(poor);
    expect(code).toBe(2);
    const grants =
      /run: (GRANT USAGE ON SCHEMA public TO poor; GRANT SELECT \(id, firstname, lastname\) ON public\.students TO poor;.*;)/.exec(
        output,
      )?.[1];
    await admin.query(grants ?? 'no statement was printed');
    const reading = await refused(poor);
    expect(reading).toMatchObject({ code: 2, output: expect.stringContaining('ALTER ROLE poor REPLICATION;') });
    await admin.query('DROP OWNED BY poor');
    await admin.query('DROP ROLE poor');
    await admin.close();
  });

  test('a table that is missing, a row filter on the publication', async () => {
    await source.query('ALTER TABLE grades RENAME TO marks');
    const missing = await refused({});
    expect(missing).toMatchObject({ code: 3, output: expect.stringContaining('no table public.grades') });
    await source.query('ALTER TABLE marks RENAME TO grades');
    await source.query(
      'CREATE PUBLICATION filtered FOR TABLE students, courses, enrollments, grades WHERE (grade_value > 5), activity_logs',
    );
    const filtered = await refused({ SOURCE_PUBLICATION: 'filtered' });
    expect(filtered).toMatchObject({
      code: 3,
      output: expect.stringContaining('row filter on the table public.grades'),
    });
    await source.query('DROP PUBLICATION filtered');
  });

  test('a port that is taken', async () => {
    const taken: Server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    const { code, output } = await refused({ API_PORT: String(port) });
    expect(code).toBe(2);
    expect(output).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*(in use|taken)`));
    await new Promise((resolve) => taken.close(resolve));
  });
});

describe('goes on through', () => {
  const program = new Program(path.join(folder, 'one'));
  beforeAll(async () => {
    await program.start(environment()).untilReady();
    // The real start begins with whatever the refused ones above left of the stream.
    expect(await differences()).toEqual([]);
  }, 120_000);
  beforeEach(() => expect(program.isRunning).toBe(true));
  afterAll(async () => {
    expect(await program.stop()).toEqual({ code: 0, signal: null });
  });

  test('garbage: null ids, absurd dates, grade_max 0, 10 MB of metadata; what cannot be read is listed with its reason', async () => {
    await source.query(`
      INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, timestamp, metadata, duration_seconds) VALUES
        (NULL, ${id('c', '1')}, 'view', 'r', now(), NULL, 1),
        (${id('a', '1')}, NULL, 'view', 'r', now(), NULL, 1),
        (${id('a', '1')}, ${id('c', '1')}, 'view', 'r', 'infinity', NULL, 1),
        (${id('a', '1')}, ${id('c', '1')}, 'view', 'r', '4712-01-01 BC', NULL, 1),
        (${id('a', '1')}, ${id('c', '1')}, 'view', 'r', '294276-12-31', NULL, 1),
        (${id('a', '1')}, ${id('c', '1')}, 'view', 'r', now(), NULL, -1),
        (${id('a', '1')}, ${id('c', '1')}, 'completion', NULL, now(), '{"state": 1}', 1),
        (${id('a', '1')}, ${id('c', '1')}, 'completion', 'r', now(), '{"state": "done"}', 1),
        (${id('a', '1')}, ${id('c', '1')}, E'\\t no such type \\n', repeat('ü', 255), now(), '[[[]]]', 1),
        (${id('a', '1')}, ${id('c', '1')}, 'view', 'big', now(),
          jsonb_build_object('due_at', repeat('x', 10 * 1024 * 1024), 'event_id', 'e'), 1)`);
    await source.query(`
      INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp) VALUES
        (${id('a', '2')}, ${id('c', '1')}, 'zero', 1, 0, now()),
        (${id('a', '2')}, ${id('c', '1')}, 'nan', 'NaN', 10, now()),
        (${id('a', '2')}, ${id('c', '1')}, 'endless', 1, 'Infinity', now()),
        (${id('a', '2')}, ${id('c', '1')}, '  ', 1, 10, now()),
        (${id('a', '2')}, ${id('c', '1')}, 'huge', 1e30, 1e31, now())`);
    expect(await differences()).toEqual([]);
    const { body } = await program.get('/api/rejected?limit=100');
    const reasons = new Set((body as { reason: string }[]).map((row) => row.reason));
    for (const reason of ['no_student', 'no_course', 'no_time', 'bad_max', 'bad_value', 'no_item'])
      expect(reasons).toContain(reason);
  });

  test('10,000 rows in one transaction, a DELETE of most rows, a TRUNCATE under load', async () => {
    await source.query(`
      INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, timestamp)
        SELECT ${id('a', '1 + n % 30')}, ${id('c', '1 + n % 2')}, 'view', 'bulk' || n % 50, now() - n * interval '1 minute' FROM generate_series(1, 10000) AS n`);
    expect(await differences()).toEqual([]);
    await source.query(`DELETE FROM activity_logs WHERE resource_id LIKE 'bulk%'`);
    expect(await differences()).toEqual([]);
    const load = Array.from({ length: 30 }, () =>
      source.query(`INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
        SELECT ${id('a', 'n')}, ${id('c', '1')}, 'late ' || n, n % 10, 10, now() FROM generate_series(1, 30) AS n`),
    );
    await source.query('TRUNCATE grades');
    await Promise.all(load);
    expect(await differences()).toEqual([]);
  });

  test('a column more in the source, and one that is rewritten', async () => {
    await source.query(`INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
      SELECT ${id('a', 'n')}, ${id('c', '2')}, 'essay', 8, 10, now() FROM generate_series(1, 30) AS n`);
    expect(await differences()).toEqual([]);
    await source.query('ALTER TABLE activity_logs ADD COLUMN browser text DEFAULT $$unknown$$');
    await source.query('ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric USING grade_value / 2');
    await eventually(async () => (await differences()).length === 0);
  });

  test('a source restored from an older dump', async () => {
    await source.query(
      'CREATE SCHEMA dump; CREATE TABLE dump.activity_logs AS SELECT * FROM activity_logs ORDER BY timestamp LIMIT 1000',
    );
    await source.query(
      `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp) VALUES (${id('a', '1')}, ${id('c', '1')}, 'login', now())`,
    );
    expect(await differences()).toEqual([]);
    await source.query(`
      BEGIN;
      ALTER TABLE activity_logs RENAME TO lost;
      CREATE TABLE activity_logs (LIKE lost INCLUDING ALL);
      INSERT INTO activity_logs SELECT * FROM dump.activity_logs;
      ALTER PUBLICATION prepadata DROP TABLE lost;
      ALTER PUBLICATION prepadata ADD TABLE activity_logs;
      DROP TABLE lost; DROP SCHEMA dump CASCADE;
      COMMIT`);
    await eventually(async () => (await differences()).length === 0);
  });

  test('databases that are away for a while, and come back', async () => {
    await source.close();
    await server.stop();
    await eventually(async () => (await fetch(`${program.url}/api/ready`)).status === 503);
    expect((await fetch(`${program.url}/api/health`)).status).toBe(200);
    const { body } = await program.get('/api/ready');
    expect((body as { reasons: string[] }).reasons.join('\n')).toMatch(
      /the source is not streaming.*\n?[\s\S]*the analytics database/,
    );
    await sleep(1_500);
    server = await startEmbeddedPostgres(SERVER);
    source = openDatabase(server.address('lms'), { connections: 4 });
    await source.query(
      `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp) VALUES (${id('a', '3')}, ${id('c', '2')}, 'login', now())`,
    );
    await program.untilReady();
    expect(await differences()).toEqual([]);
  });

  test('a clock that ran ahead for three days: not ready, with the command that sets the day back, which works', async () => {
    const analytics = openDatabase(server.address('features'), { connections: 1 });
    const present = await readToday(analytics);
    expect(await rollOver(analytics, present + 3)).toBe(true);
    expect(await differences()).toEqual([]);
    const reasons = async (): Promise<string> => JSON.stringify((await program.get('/api/ready')).body);
    await eventually(async () => /the features speak for .* npm run today -- --set-back makes/.test(await reasons()));

    const env = { DATA_DIR: program.dataDir };
    const [, ...command] = SET_BACK_COMMAND.replace('npm run today', '').split(' -- ');
    const setBack = await runCommand(['services/today/main.ts', ...command], env);
    expect(setBack).toMatchObject({ code: 0, output: expect.stringContaining('It is set back') });
    await program.untilReady();
    expect(await readToday(analytics)).toBe(present);
    expect(await differences()).toEqual([]);
    const again = await runCommand(['services/today/main.ts', ...command], env);
    expect(again).toMatchObject({ code: 0, output: expect.stringContaining('nothing to set back') });
    await analytics.close();
  });

  test('a second program on the same slot: it waits as standby, is not ready, and takes over', async () => {
    const second = new Program(path.join(folder, 'two'));
    second.start({ ...environment(), DATA_DIR: path.join(folder, 'two') });
    await eventually(async () => second.output.includes('waiting as standby'));
    const ready = await fetch(`${second.url}/api/ready`);
    expect(ready.status).toBe(503);
    expect(JSON.stringify(await ready.json())).toMatch(
      /another process reads slot prepadata_\d+ \(pid \d+\); waiting as standby/,
    );
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    await second.untilReady();
    await source.query(
      `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp) VALUES (${id('a', '4')}, ${id('c', '2')}, 'login', now())`,
    );
    expect(await differences()).toEqual([]);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    await program.start(environment()).untilReady();
  });

  test('a needed column that goes away is named, with what helps; once it is back, so is everything', async () => {
    await source.query('ALTER TABLE grades RENAME COLUMN grade_max TO out_of');
    await source.query(
      `INSERT INTO grades (student_id, course_id, grade_item) VALUES (${id('a', '1')}, ${id('c', '1')}, 'x')`,
    );
    const readiness = async (): Promise<string> => JSON.stringify((await program.get('/api/ready')).body);
    await eventually(async () =>
      /source table public\.grades has no column grade_max; waiting until .*add the column/.test(await readiness()),
    );
    expect((await program.get('/api/metrics/student/1')).status).toBe(200);
    await source.query('ALTER TABLE grades RENAME COLUMN out_of TO grade_max');
    await program.untilReady();
    expect(await differences()).toEqual([]);
  });
});

test('waits at the start for databases that are not there yet, in sight', async () => {
  await source.close();
  await server.stop();
  const early = new Program(path.join(folder, 'early'));
  early.start({ ...environment(), DATA_DIR: path.join(folder, 'early') });
  await eventually(async () =>
    /the analytics database .* does not answer \(.*\); trying again each second/.test(early.output),
  );
  server = await startEmbeddedPostgres(SERVER);
  source = openDatabase(server.address('lms'), { connections: 4 });
  await early.untilReady();
  expect(await differences()).toEqual([]);
  expect(await early.stop()).toEqual({ code: 0, signal: null });
});
