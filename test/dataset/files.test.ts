import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FEATURE_COLUMNS, LABEL_COLUMNS } from '#libs/dataset/columns.ts';
import { streamDataset } from '#libs/dataset/dataset-stream.ts';
import { CourseLabels } from '#libs/dataset/labels.ts';
import { formatDay, type LocalDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { hashOf } from '#libs/features/hash.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { ask, errorOf, startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, createTestDatabase } from '../support/database.ts';
import { type Ended, runDataset } from './command.ts';
import { DatasetWorld, named } from './world.ts';

/* Sets as files: by the command, and over the API. */

const NOW = Date.UTC(2026, 4, 20, 14, 30);
const TODAY: LocalDay = Math.floor(NOW / MS_PER_DAY);
const SPAN = `${formatDay(TODAY - 60)}..${formatDay(TODAY)}/15d`;
const DAYS = [60, 45, 30, 15, 0].map((back) => TODAY - back);
const MINUTES_MS = 300_000;

let world: DatasetWorld;
let folder: string;
let api: Api;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-dataset-'));
  world = await DatasetWorld.open('dataset_files');
  await seedCampus(world.source.db, { seed: 'files', now: NOW, students: 12 });
  await world.begin(NOW);
  await world.rest();
  api = await startTestApi(world.analytics.db);
}, MINUTES_MS);
afterAll(async () => {
  await api.stop();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  runDataset(world.analytics.address, args, { env });

const inFolder = (name: string): string => path.join(folder, name);

async function readParquet(file: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  return (await connection.runAndReadAll(`SELECT * FROM read_parquet('${file}')`)).getRowObjectsJson();
}

async function readMetadata(file: string): Promise<Record<string, string>> {
  const connection = await (await DuckDBInstance.create()).connect();
  const rows = await connection.runAndReadAll(
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('${file}')`,
  );
  return Object.fromEntries(rows.getRowObjectsJson().map(({ key, value }) => [String(key), String(value)]));
}

const typeOf = new Map(FEATURE_COLUMNS.map(({ name, type }) => [name, type]));

/** A value as a reader of Parquet gets it, printed. */
function shown(name: string, value: unknown): unknown {
  if (value === null) return null;
  switch (typeOf.get(name)) {
    case 'date':
      return formatDay(Number(value));
    case 'numeric':
      return Number(value);
    case 'bigint':
      return String(value);
    case 'timestamptz':
      return new Date(Number(value)).toISOString();
    case 'jsonb':
    case 'text[]':
      return JSON.stringify(value);
    default:
      return value;
  }
}

/** A time as DuckDB prints it. */
const isoOf = (text: string): string => new Date(text.replace(' ', 'T').replace(/\+00$/, 'Z')).toISOString();

describe('npm run dataset', () => {
  test(
    'a Parquet file holds every row and column, says from what it was made, and comes out the same again',
    async () => {
      const out = inFolder('features.parquet');
      const made = await run(['--as-of', SPAN, '--out', out]);
      expect(made).toMatchObject({ code: 0, err: expect.stringMatching(/\d+ rows of \d+ keys in .* rows\/s, .* MB/) });
      const expected = (await world.rows(DAYS)).map(named);
      const rows = (await readParquet(out)).map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeOf.get(name) === 'timestamptz' && value !== null ? isoOf(String(value)) : value,
          ]),
        ),
      );
      expect(rows.length).toBeGreaterThan(100);
      expect(rows).toEqual(
        expected.map((row) =>
          Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shown(name, value)])),
        ),
      );
      expect(await readMetadata(out)).toMatchObject({
        'prepadata.schema_version': '1',
        'prepadata.definitions': hashOf(FEATURE_SET),
        'prepadata.settings': expect.stringMatching(/^[0-9a-f]{64}$/),
        'prepadata.feature_version': '1',
        'prepadata.rows': String(rows.length),
        'prepadata.left_out': '0',
        'prepadata.position': expect.stringMatching(/^\S+@\d+:\d+$/),
        'prepadata.as_of': DAYS.map(formatDay).join(','),
        'prepadata.command': `npm run dataset -- --as-of ${SPAN} --out features.parquet`,
      });
      const first = [readFileSync(out), readFileSync(inFolder('features.labels.parquet'))];
      expect((await run(['--as-of', SPAN, '--out', out])).code).toBe(0);
      expect(readFileSync(out).equals(first[0] ?? Buffer.alloc(0))).toBe(true);
      expect(readFileSync(inFolder('features.labels.parquet')).equals(first[1] ?? Buffer.alloc(0))).toBe(true);
      expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
    },
    MINUTES_MS,
  );

  test('labels stand apart, and are null until the course has stopped', async () => {
    const labels = await readParquet(inFolder('features.labels.parquet'));
    expect(Object.keys(labels[0] ?? {})).toEqual(LABEL_COLUMNS.map(({ name }) => name));
    expect(FEATURE_COLUMNS.filter(({ name }) => name.startsWith('label_'))).toEqual([]);
    const stored = await world.analytics.db.query<Record<string, unknown>>(
      `SELECT k.course_id, k.student_id, p.passed, p.module_grade::float8 AS module_grade,
         (SELECT s.first_day + (u.at - 1)::integer
          FROM state.engagement_series AS s, unnest(s.active) WITH ORDINALITY AS u (active, at)
          WHERE s.course_id = k.course_id AND s.student_id = k.student_id AND u.active = 1
          ORDER BY u.at DESC LIMIT 1)::text AS last_day,
         c.last_fact + 6 < ($1::date - date '1970-01-01') AS stopped
       FROM (
         SELECT course_id, student_id FROM engagement_features UNION SELECT course_id, student_id FROM performance_features
       ) AS k
       LEFT JOIN performance_features AS p USING (student_id, course_id)
       JOIN (SELECT course_id, max(last_fact) AS last_fact FROM state.key GROUP BY course_id) AS c USING (course_id)
       ORDER BY k.course_id, k.student_id`,
      [formatDay(TODAY)],
    );
    const expected = stored.map(({ course_id, student_id, passed, module_grade, last_day, stopped }) => ({
      course_id,
      student_id,
      label_passed: stopped === true ? passed : null,
      label_module_grade: stopped === true ? module_grade : null,
      label_last_active_day: stopped === true ? last_day : null,
    }));
    expect(labels).toEqual(expected);
    expect(labels.filter((row) => row['label_last_active_day'] !== null).length).toBeGreaterThan(0);
    expect(labels.filter((row) => row['label_last_active_day'] === null).length).toBeGreaterThan(0);
  });

  test(
    'a CSV has the same rows of the courses that are named, its metadata beside it',
    async () => {
      const out = inFolder('one.csv');
      expect((await run(['--as-of', SPAN, '--course', '3', '--course', '5', '--out', out])).code).toBe(0);
      const rows = parse(readFileSync(out), { columns: true }) as Record<string, string>[];
      const expected = (await world.rows(DAYS, ['3', '5'])).map(named);
      expect(rows.map(({ course_id, student_id, as_of }) => `${course_id} ${student_id} ${as_of}`)).toEqual(
        expected.map((row) => `${row['course_id']} ${row['student_id']} ${formatDay(Number(row['as_of']))}`),
      );
      for (const [at, row] of rows.entries())
        for (const [name, text] of Object.entries(row)) {
          const value = expected[at]?.[name];
          // All digits of a decimal, since it is exact.
          const isText = typeOf.get(name) === 'numeric' || typeof value === 'boolean';
          expect([name, text]).toEqual([name, String((isText ? value : shown(name, value)) ?? '')]);
        }
      const metadata = JSON.parse(readFileSync(`${out}.metadata.json`, 'utf8')) as Record<string, string>;
      expect(metadata).toMatchObject({ courses: '3,5', rows: String(rows.length) });
    },
    MINUTES_MS,
  );

  test.each([
    ['no days', ['--out', 'x.parquet'], 2, '--as-of is missing'],
    ['no file', ['--as-of', '2026-05-01'], 2, '--out is missing'],
    ['another format', ['--as-of', '2026-05-01', '--out', 'x.xlsx'], 2, 'no known format'],
    ['no such day', ['--as-of', '2026-02-30', '--out', 'x.csv'], 2, 'not a day: "2026-02-30"'],
    ['no such span', ['--as-of', '2026-05-01..2026-05-09/1w', '--out', 'x.csv'], 2, 'no span of days'],
    ['a step of nothing', ['--as-of', '2026-05-01..2026-05-09/0d', '--out', 'x.csv'], 2, 'a step of no days'],
    ['backwards', ['--as-of', '2026-05-09..2026-05-01', '--out', 'x.csv'], 2, 'ends before it begins'],
    ['endless', ['--as-of', '1900-01-01..2026-05-01', '--out', 'x.csv'], 2, 'more than 5000 days'],
    [
      'no such form of a course',
      ['--as-of', '2026-05-01', '--course', 'physics', '--out', 'x.csv'],
      2,
      '--course physics',
    ],
    ['no such course', ['--as-of', '2026-05-01', '--course', '4711', '--out', 'x.csv'], 1, 'there is no course 4711'],
    ['tomorrow', ['--as-of', '2026-05-21', '--out', 'x.csv'], 1, '2026-05-21 has not begun'],
    ['no folder', ['--as-of', '2026-05-01', '--out', 'nowhere/x.csv'], 2, 'cannot be written'],
  ])('%s', async (_, args, code, message) => {
    const at = args.indexOf('--out');
    const given = at < 0 ? args : args.with(at + 1, inFolder(args[at + 1] ?? ''));
    const ended = await run(given);
    expect(ended).toMatchObject({ code, err: expect.stringContaining(message) });
    // What happened and, on a separate line, what to do.
    expect(ended.err.trim().split('\n')).toHaveLength(2);
    expect(readdirSync(folder).filter((name) => name.includes('x.'))).toEqual([]);
  });

  test(
    'a wrong password, a database without anything, and one whose first snapshot is still read',
    async () => {
      const args = ['--as-of', '2026-05-01', '--out', inFolder('y.parquet')];
      const empty = await createTestDatabase('dataset_empty');
      const begun = await createAnalyticsDatabase('dataset_snapshot');
      try {
        // The test server trusts every user it knows.
        const stranger = await run(args, { ANALYTICS_DB_USER: 'nobody_of_that_name' });
        expect(stranger).toMatchObject({ code: 2, err: expect.stringContaining('refuses us') });
        const nothing = await run(args, { ANALYTICS_DB_NAME: empty.address.database });
        expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining('nothing was derived') });
        await world.analytics.db.query("UPDATE stream_progress SET phase = 'snapshot'");
        const half = await run(args);
        expect(half).toMatchObject({
          code: 1,
          err: expect.stringContaining('snapshot of the source is still being read'),
        });
      } finally {
        await world.analytics.db.query("UPDATE stream_progress SET phase = 'streaming'");
        await empty.drop();
        await begun.drop();
      }
      expect(existsSync(inFolder('y.parquet'))).toBe(false);
    },
    MINUTES_MS,
  );

  test('days before anything was known: only enrolments without a date are there, or a header alone, and it says so', async () => {
    const day = parseDay('2001-01-01');
    const undated = await world.rows([day]);
    expect(new Set(undated.map((row) => named(row)['enrolled_at']))).toEqual(new Set([null]));
    const course = [1, 2, 3, 4, 5, 6, 7, 8].find((id) => undated.every((row) => named(row)['course_id'] !== id));
    const out = inFolder('early.csv');
    const ended = await run(['--as-of', '2001-01-01', '--course', String(course), '--out', out]);
    expect(ended).toMatchObject({ code: 0, err: expect.stringContaining('no student had a row') });
    expect(readFileSync(out, 'utf8').trimEnd().split('\r\n')).toHaveLength(1);
  });

  test(
    'one that is stopped leaves nothing behind',
    async () => {
      const all = `${formatDay(TODAY - 200)}..${formatDay(TODAY)}`;
      const out = inFolder('stopped.parquet');
      const ended = await runDataset(world.analytics.address, ['--as-of', all, '--out', out], { kill: 'SIGTERM' });
      expect(ended).toMatchObject({ code: 1, err: expect.stringContaining('stopped before the end') });
      expect(readdirSync(folder).filter((name) => name.includes('stopped'))).toEqual([]);
    },
    MINUTES_MS,
  );

  test('a full disk leaves what was there before', async () => {
    const out = inFolder('one.csv');
    const before = readFileSync(out);
    const ended = await run(['--as-of', SPAN, '--out', out], { NODE_OPTIONS: `--import ${fullDisk}` });
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining('no space left') });
    expect(readFileSync(out).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)('a folder that one may not write to', async () => {
    chmodSync(folder, 0o500);
    const ended = await run(['--as-of', '2026-05-01', '--out', inFolder('z.csv')]);
    chmodSync(folder, 0o700);
    expect(ended).toMatchObject({ code: 2, err: expect.stringContaining('cannot be written') });
  });
});

/** Every write but the first to a file opened for a set fails as on a full disk. */
const fullDisk = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs/promises';
  const probe = await fs.open(process.execPath);
  const { prototype } = probe.constructor;
  await probe.close();
  prototype.writeFile = async () => { throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }); };
`)}`;

describe('GET /api/dataset', () => {
  const url = (query: string): string => `${api.url}/api/dataset?${query}`;
  const get = async (query: string, accept?: string) => {
    const response = await fetch(url(query), accept === undefined ? {} : { headers: { accept } });
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  };

  test(
    'sends the rows that the command writes',
    async () => {
      const parquet = await get(`as_of=${SPAN}&course_id=3`);
      expect(parquet.status).toBe(200);
      expect(parquet.headers.get('content-type')).toBe('application/vnd.apache.parquet');
      expect(parquet.headers.get('content-disposition')).toBe('attachment; filename="features.parquet"');
      const out = inFolder('api.csv');
      expect((await run(['--as-of', SPAN, '--course', '3', '--out', out])).code).toBe(0);
      const csv = await get(`as_of=${SPAN}&course_id=3&format=csv`);
      expect(csv.body.equals(readFileSync(out))).toBe(true);
      const labels = await get(`as_of=${SPAN}&course_id=3&part=labels`, 'text/csv');
      expect(labels.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(labels.body.equals(readFileSync(inFolder('api.labels.csv')))).toBe(true);
    },
    MINUTES_MS,
  );

  test.each([
    ['', 400, 'as_of'],
    ['as_of=soon', 400, 'not a day'],
    ['as_of=2026-05-01..2026-04-01', 400, 'ends before it begins'],
    ['as_of=2026-05-21', 400, 'has not begun'],
    ['as_of=2026-05-01&format=xlsx', 400, 'format'],
    ['as_of=2026-05-01&course_id=4711', 404, 'there is no course 4711'],
  ])('%s: %i', async (query, status, message) => {
    const answer = await ask(url(query));
    expect(answer.status).toBe(status);
    expect(errorOf(answer).message).toContain(message);
  });

  test(
    'one set at a time; a reader who leaves makes room for the next',
    async () => {
      const all = `as_of=${formatDay(TODAY - 200)}..${formatDay(TODAY)}&format=csv`;
      const leaving = new AbortController();
      const first = await fetch(url(all), { signal: leaving.signal });
      expect(first.status).toBe(200);
      const second = await ask(url('as_of=2026-05-01'));
      expect([second.status, errorOf(second).code]).toEqual([409, 'dataset_running']);
      leaving.abort();
      await first.arrayBuffer().catch(() => {});
      await expect.poll(async () => (await get('as_of=2026-05-01')).status).toBe(200);
    },
    MINUTES_MS,
  );

  test(
    'is whole for a reader who takes longer than a session may leave a transaction open',
    async () => {
      const settings = { idle_in_transaction_session_timeout: '200' };
      const hasty = openDatabase(world.analytics.address, { connections: 1, settings });
      const days = Array.from({ length: 200 }, (_, at) => TODAY - 199 + at);
      const request = { days, courses: null, part: 'features', format: 'csv', command: '' } as const;
      const sent: Buffer[] = [];
      for await (const part of await streamDataset(hasty, request)) {
        if (sent.length === 0) await sleep(1_000);
        sent.push(part as Buffer);
      }
      await hasty.close();
      const rows = Buffer.concat(sent).toString().trimEnd().split('\r\n');
      expect(rows.length - 1).toBe((await world.rows(days)).length);
    },
    MINUTES_MS,
  );

  test('counts the keys that are left out since their rows cannot be derived', async () => {
    const fault = vi.spyOn(CourseLabels.prototype, 'add').mockImplementationOnce(() => {
      throw new RangeError('too deep');
    });
    const file = inFolder('left-out.parquet');
    writeFileSync(file, (await get(`as_of=${SPAN}`)).body);
    fault.mockRestore();
    expect(await readMetadata(file)).toMatchObject({ 'prepadata.left_out': '1' });
    expect((await readParquet(file)).length).toBeLessThan((await world.rows(DAYS)).length);
  });

  test('before anything was derived', async () => {
    const empty = await createAnalyticsDatabase('dataset_api_empty');
    const other = await startTestApi(empty.db);
    try {
      const answer = await ask(`${other.url}/api/dataset?as_of=2026-05-01`);
      expect([answer.status, errorOf(answer).code]).toEqual([503, 'nothing_derived']);
    } finally {
      await other.stop();
      await empty.drop();
    }
  });
});
