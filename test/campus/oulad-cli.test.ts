import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '#libs/platform/config/config.ts';
import { findSource } from '#libs/platform/config/find-source.ts';
import { readArguments } from '#libs/platform/program.ts';
import { argumentsOf, LOAD_OULAD } from '../../services/sandbox/campus/oulad/cli.ts';
import { loadPresentation } from '../../services/sandbox/campus/oulad/load.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { TABLES, writeSmallOulad } from './small-oulad.ts';

/** A command line, parsed as the program does. */
const typed = (args: readonly string[]) => {
  const read = readArguments(LOAD_OULAD, args);
  if (read === null) throw new Error('asks for help');
  return read.values;
};

let folder: string;
let source: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-oulad-'));
  writeSmallOulad(folder);
  source = await createSourceDatabase('oulad_small');
});
afterAll(async () => {
  await source.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as `npm run load:oulad` does. */
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['libs/platform/launch.mjs', 'services/sandbox/campus/oulad/main.ts', ...args],
      {
        env: { PATH: process.env.PATH ?? '', DATA_DIR: path.join(folder, 'nothing'), ...env },
      },
    );
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const environment = () => ({
  SOURCE_DB_HOST: source.address.host,
  SOURCE_DB_PORT: String(source.address.port),
  SOURCE_DB_NAME: source.address.database,
  SOURCE_DB_USER: source.address.user,
  SOURCE_DB_PASSWORD: source.address.password,
});

test('the command loads a presentation and sums it up', async () => {
  const args = ['--dir', folder, '--presentation', 'XXX-2013J', '--shift-to', '2026-05-20'];
  const ended = await run(args, environment());
  expect(ended.stderr).toBe('');
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('XXX-2013J is loaded; day 0 is 2026-05-11, its last day 2026-05-20');
  expect(ended.stdout).toMatch(
    /students +2 .*\n +enrollments +2\n +activity_logs +5 .*3 views, 2 submissions\n +grades +3/,
  );
  const rows = await source.db.query(
    `SELECT activity_type AS type, resource_id AS resource, timestamp::text AS at, metadata, s.external_id AS student
     FROM activity_logs JOIN students s ON s.id = student_id ORDER BY timestamp, resource_id, metadata::text`,
  );
  expect(rows).toEqual([
    { type: 'view', resource: '100', at: '2026-05-09 00:00:00', metadata: { clicks: 1 }, student: 'oulad-7' },
    { type: 'view', resource: '100', at: '2026-05-09 00:00:00', metadata: { clicks: 3 }, student: 'oulad-7' },
    { type: 'view', resource: '101', at: '2026-05-15 00:00:00', metadata: { clicks: 2 }, student: 'oulad-8' },
    {
      type: 'submission',
      resource: '1',
      at: '2026-05-17 00:00:00',
      metadata: { due_at: '2026-05-16' },
      student: 'oulad-7',
    },
    { type: 'submission', resource: '2', at: '2026-05-20 00:00:00', metadata: null, student: 'oulad-7' },
  ]);
  expect(await source.db.query('SELECT enrolled_at::text AS at FROM enrollments ORDER BY 1')).toEqual([
    { at: '2026-04-21 00:00:00' },
    { at: null },
  ]);
  const grades = await source.db.query(
    `SELECT grade_item AS item, grade_value::int AS value, timestamp::date AS day FROM grades ORDER BY 1, 2`,
  );
  expect(grades).toEqual([
    { item: 'Exam 2', value: null, day: '2026-05-20' },
    { item: 'TMA 1', value: 55, day: '2026-05-10' },
    { item: 'TMA 1', value: 80, day: '2026-05-17' },
  ]);

  const twice = await run(args, environment());
  expect(twice.code).toBe(2);
  expect(twice.stderr).toMatch(/^load:oulad: XXX-2013J is in the database already.*\n.*--again/);
});

test('a student of two presentations is one student, and --again leaves the other course alone', async () => {
  const options = { directory: folder, presentation: 'YYY-2014B', shiftTo: 'none' };
  const first = await loadPresentation(source.db, options);
  expect([first.firstDay, first.lastDay]).toEqual(['2014-02-01', '2014-02-04']);
  const again = await loadPresentation(source.db, { ...options, again: true });
  expect(again.deleted).toBe(4);
  const [row] = await source.db.query<{ students: number; courses: number; enrollments: number; activities: number }>(
    `SELECT (SELECT count(*)::int FROM students) AS students, (SELECT count(*)::int FROM courses) AS courses,
       (SELECT count(*)::int FROM enrollments) AS enrollments, (SELECT count(*)::int FROM activity_logs) AS activities`,
  );
  expect(row).toEqual({ students: 2, courses: 2, enrollments: 3, activities: 7 });
});

test('a database that the settings name is spoken to as they say', () => {
  const named = { SOURCE_DB_HOST: 'lms.example', SOURCE_DB_SSLMODE: 'verify-full' };
  expect(findSource(loadConfig(named))).toMatchObject({ host: 'lms.example', ssl: { rejectUnauthorized: true } });
});

test('the database of a running npm start is found by its file', () => {
  const data = path.join(folder, 'data');
  mkdirSync(data);
  writeFileSync(path.join(data, 'running.json'), JSON.stringify({ pid: 1, source: source.address }));
  expect(findSource(loadConfig({ DATA_DIR: data }))).toEqual(source.address);
  writeFileSync(path.join(data, 'running.json'), JSON.stringify({ pid: 1 }));
  expect(() => findSource(loadConfig({ DATA_DIR: data }))).toThrow(/running\.json does not name the source database/);
});

test.each([
  [['--presentation', 'XXX-2013J'], /--dir is missing/],
  [['--dir', '/tmp'], /--presentation is missing/],
  [['--dir', '/tmp', '--presentation', 'XXX-2013J', '--shift-to', '2026-02-30'], /"2026-02-30" is not a day/],
  [['--dir', '/tmp', '--presentation', 'XXX-2013J', '--shift-to', 'yesterday'], /"yesterday" is not a day/],
  [['--folder', '/tmp'], /--folder/],
  [['stray'], /stray/],
])('%j is refused', (args, message) => {
  expect(() => argumentsOf(typed(args), {})).toThrow(message);
});

test('today is the day on the wall clock of the source', () => {
  const args = ['--dir', '/tmp', '--presentation', 'XXX-2013J', '--shift-to', 'today'];
  const clock = { now: () => Date.UTC(2026, 4, 20, 23, 30) };
  expect(argumentsOf(typed(args), {}, clock).shiftTo).toBe('2026-05-20');
  expect(argumentsOf(typed(args), { SOURCE_TIMEZONE: 'Europe/Berlin' }, clock).shiftTo).toBe('2026-05-21');
});

test('help is help, and a wrong call says what to do', async () => {
  const help = await run(['--help']);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('--shift-to <day>');
  const nowhere = await run(['--dir', folder, '--presentation', 'XXX-2013J']);
  expect(nowhere.code).toBe(2);
  expect(nowhere.stderr).toMatch(/SOURCE_DB_HOST is not set.*running\.json cannot be read\n.*run npm start first/);
  const missing = await run(['--dir', path.join(folder, 'gone'), '--presentation', 'XXX-2013J'], environment());
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(/there is no folder .*gone\n.*https:\/\/analyse\.kmi\.open\.ac\.uk\/open_dataset/);
});

test('missing files, missing columns, broken files and missing tables are named', async () => {
  const partial = path.join(folder, 'partial');
  mkdirSync(partial);
  const load = (db = source.db) =>
    loadPresentation(db, { directory: partial, presentation: 'XXX-2013J', shiftTo: 'none' });
  const { studentVle = '', ...others } = TABLES;
  for (const [table, text] of Object.entries(others)) writeFileSync(path.join(partial, `${table}.csv`), text);
  await expect(load()).rejects.toThrow('partial lacks studentVle.csv.gz');
  writeFileSync(path.join(partial, 'studentVle.csv'), studentVle.replace('sum_click', 'clicks'));
  await expect(load()).rejects.toThrow('has no column sum_click');
  writeFileSync(path.join(partial, 'studentVle.csv.gz'), 'this is not gzip');
  await expect(load()).rejects.toThrow(/studentVle\.csv\.gz cannot be read: incorrect header check/);
  writeFileSync(path.join(partial, 'studentVle.csv.gz'), gzipSync(studentVle));
  const bare = await createTestDatabase('oulad_bare');
  try {
    await expect(load(bare.db)).rejects.toMatchObject({ code: 'source_schema' });
  } finally {
    await bare.drop();
  }
});
