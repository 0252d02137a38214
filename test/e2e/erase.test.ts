import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDay } from '#libs/domain/local-date.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { KEY, rowsNaming, studentIdOf } from '../erasure/support.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askOracle, compareFeatures, type Difference, readFeatures } from '../support/oracle.ts';
import { untilSettled } from '../support/settle.ts';
import { differencesOf } from './equal.ts';
import { RoleProcess } from './role-process.ts';

/* The erase command erases a student while every role runs as its own process and the source keeps writing about the student. */

let source: TestDatabase;
let analytics: TestDatabase;
let env: Record<string, string>;
let folder: string;
const running: RoleProcess[] = [];
const stops: (() => Promise<void>)[] = [];

function start(program: string, args: readonly string[] = [], input?: string): RoleProcess {
  const process = new RoleProcess(program, env, args, input);
  running.push(process);
  return process;
}

/** Of all processes of this machine, as any of its users may read them. */
const commandLines = (): string => execFileSync('ps', ['-eww', '-o', 'args'], { encoding: 'utf8' });

interface Erased {
  readonly code: number | null;
  readonly output: string;
}

const erase = (...args: string[]): Promise<Erased> => eraseOf(undefined, ...args);

async function eraseOf(input: string | undefined, ...args: string[]): Promise<Erased> {
  const command = start('erase', args, input);
  const { code } = await command.ended();
  return { code, output: command.output };
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-erase-'));
  [source, analytics] = await Promise.all([createSourceDatabase('erase'), createTestDatabase('erase_analytics')]);
  await seedCampus(source.db, { students: 12, seed: '3', now: Date.now() });
  env = {
    ...addressEnv('SOURCE_DB', source.address),
    ...addressEnv('ANALYTICS_DB', analytics.address),
    SOURCE_SLOT: source.address.database.slice(0, 50),
    SOURCE_SLOT_LIMIT: 'none',
    ERASURE_KEY: KEY,
    DATA_DIR: folder,
  };
  expect(await start('migrate').ended()).toEqual({ code: 0, signal: null });
});

afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await Promise.all(running.map((process) => process.end('SIGKILL')));
  await Promise.all([source.drop(), analytics.drop()]);
  rmSync(folder, { recursive: true });
});

/** Inserts, changes and deletes rows of these students until stopped, some in one transaction with others' rows. */
function keepWriting(students: readonly string[]): () => Promise<void> {
  const state = { isStopping: false };
  const writing = (async () => {
    for (let n = 0; !state.isStopping; n += 1) {
      await source.db.query(
        `WITH added AS (
           INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
           SELECT e.student_id, e.course_id, 'view', now()::timestamp - $2::integer * interval '1 minute'
           FROM enrollments AS e WHERE e.student_id = ANY ($1::uuid[])
         ), graded AS (
           UPDATE grades SET grade_value = (11 + $2::integer % 9)::text::numeric
           WHERE id IN (SELECT id FROM grades WHERE student_id = ANY ($1::uuid[]) ORDER BY id LIMIT 3)
         )
         DELETE FROM activity_logs WHERE id IN (
           SELECT id FROM activity_logs WHERE student_id = ANY ($1::uuid[]) ORDER BY id LIMIT 1)`,
        [students as string[], n],
      );
      await sleep(20);
    }
  })();
  const stop = (): Promise<void> => {
    state.isStopping = true;
    return writing;
  };
  stops.push(stop);
  return stop;
}

/** Compares with the oracle over the source as if the student were not in it. */
async function differencesWithout(student: string): Promise<Difference[]> {
  const { db } = source;
  await db.query('DROP SCHEMA IF EXISTS without CASCADE; CREATE SCHEMA without');
  for (const table of ['enrollments', 'grades', 'activity_logs'])
    await db.query(`CREATE VIEW without.${table} AS SELECT * FROM public.${table} WHERE student_id <> '${student}'`);
  for (const table of ['students', 'courses'])
    await db.query(`CREATE VIEW without.${table} AS SELECT * FROM public.${table}`);
  await untilSettled(db, analytics.db);
  const [calendar] = await analytics.db.query<{ today: string }>('SELECT today FROM state.calendar');
  const oracle = await askOracle(source.address, 'without', { today: parseDay(calendar?.today ?? '') });
  expect(oracle.engagement.length).toBeGreaterThan(10);
  return compareFeatures(oracle, await readFeatures(analytics.address));
}

async function reconcile(): Promise<string> {
  const once = start('reconcile', ['--once']);
  const { code } = await once.ended();
  expect(code, once.output).toBe(0);
  expect(once.output).not.toMatch(/left out/);
  return once.output;
}

test('erased while changes stream in, killed on the way and run again, nothing comes back whatever reads the source', async () => {
  let engagement = await start('engagement').ready();
  await Promise.all(['performance', 'anomaly'].map((role) => start(role).ready()));
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20 })).toEqual([]);
  const [first, second] = await source.db.query<{ id: string }>(
    `SELECT student_id AS id FROM enrollments GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2`,
  );
  const [student, other] = [first?.id ?? '', second?.id ?? ''];
  const studentId = (await studentIdOf(analytics.db, student)) ?? 0;

  expect(await erase('--student', '00000000-0000-4000-8000-00000000dead')).toMatchObject({
    code: 1,
    output: expect.stringContaining('was ever seen here'),
  });
  expect(await erase('--student', 'anna')).toMatchObject({ code: 2 });
  expect(await erase('--student', student, '--why', `it is ${student}`)).toMatchObject({ code: 2 });
  const file = path.join(folder, 'student.txt');
  writeFileSync(file, `${student}\n`);
  for (const wrong of [
    ['--student-file', '-'],
    ['--student-file', file, '--student', student],
    ['--student-file', `${file}s`],
  ])
    expect(await erase(...wrong), wrong.join(' ')).toMatchObject({
      code: 2,
      output: expect.not.stringContaining(student),
    });
  const before = await rowsNaming(analytics.db, student, studentId);
  const dryRun = { code: 0, output: expect.stringMatching(/state\.image_activity_logs +\d+/) };
  expect(await erase('--student', student, '--dry-run')).toMatchObject(dryRun);
  expect(await erase('--student-file', file, '--dry-run')).toMatchObject(dryRun);
  expect(await eraseOf(` ${student}\n`, '--student-file', '-', '--dry-run')).toMatchObject(dryRun);
  expect(await rowsNaming(analytics.db, student, studentId)).toEqual(before);

  const stop = keepWriting([student, other]);
  // A row lock held by somebody else stops it at the last of its deletions, and there it is killed.
  const holder = openDatabase(analytics.address, { connections: 1 });
  const asked = ['--student-file', file, '--why', 'asked for by letter'];
  const killed = start('erase', asked);
  await holder.transaction(async (tx) => {
    await tx.query('SELECT FROM student WHERE student_id = $1 FOR UPDATE', [studentId]);
    const waits = `SELECT FROM pg_stat_activity WHERE application_name = 'prepadata erase' AND wait_event_type = 'Lock'
      AND datname = current_database() AND query LIKE '%DELETE FROM public.student %'`;
    await expect.poll(async () => (await analytics.db.query(waits)).length).toBe(1);
    expect(commandLines()).toContain('asked for by letter');
    expect(commandLines()).not.toContain(student);
    await killed.end('SIGKILL');
  });
  await holder.close();
  // Nothing of it was committed.
  expect(await analytics.db.query('SELECT FROM engagement_features WHERE student_id = $1', [studentId])).not.toEqual(
    [],
  );

  const done = await erase(...asked);
  expect(done.code, done.output).toBe(0);
  const erasureId = /"erasure_id": "([^"]+)"/.exec(done.output)?.[1] ?? '';
  await sleep(500);
  await stop();
  expect(await differencesWithout(student)).toEqual([]);
  expect(await rowsNaming(analytics.db, student, studentId)).toEqual([]);

  // The holder of the signing key can verify it.
  expect(await erase('--verify', erasureId)).toMatchObject({ code: 0, output: expect.stringContaining('genuine') });
  const record = path.join(folder, 'record.json');
  const printed = done.output.slice(done.output.indexOf('{'));
  writeFileSync(record, printed);
  expect(await erase('--verify', record)).toMatchObject({ code: 0 });
  // As npm prints it unless it is run with --silent.
  writeFileSync(record, `\n> prepadata@1.0.0 erase\n> node launch.mjs main.ts --why {odd}\n\n${printed}`);
  expect(await erase('--verify', record)).toMatchObject({ code: 0 });
  writeFileSync(record, printed.replace('by letter', 'by mail'));
  expect(await erase('--verify', record)).toMatchObject({ code: 1, output: expect.stringContaining('NOT genuine') });
  expect(await erase('--student', student)).toMatchObject({
    code: 0,
    output: expect.stringContaining('Nothing is left'),
  });

  // The source still has the rows; none of them is reported as a difference, or comes back with a new epoch or other settings.
  expect(await reconcile()).toMatch(/All [\d,]+ are equal/);
  await engagement.end('SIGKILL');
  const slots =
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database() AND NOT active';
  await expect.poll(async () => (await source.db.query(slots)).length).toBe(1);
  engagement = await start('engagement').ready();
  await expect.poll(async () => (await analytics.db.query('SELECT FROM state.epoch')).length).toBeGreaterThan(1);
  await source.db.query(
    `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
     SELECT student_id, course_id, 'view', now()::timestamp FROM enrollments WHERE student_id = ANY ($1::uuid[])`,
    [[student, other]],
  );
  expect(await differencesWithout(student)).toEqual([]);
  expect(await rowsNaming(analytics.db, student, studentId)).toEqual([]);
  expect(await reconcile()).toMatch(/All [\d,]+ are equal/);

  // A student who is admitted again is there as if nothing had happened.
  expect(await erase('--student', student, '--readmit')).toMatchObject({ code: 0 });
  expect(await erase('--student', student, '--readmit')).toMatchObject({ code: 1 });
  expect(await reconcile()).toMatch(/[\d,]+ differ: [\d,]+ repaired, 0 left/);
  expect(await differencesOf(source.address, analytics.address, { atLeast: 20 })).toEqual([]);
  expect(engagement.isRunning).toBe(true);
}, 300_000);
