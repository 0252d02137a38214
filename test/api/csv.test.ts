import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSettings } from '#libs/families/settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { csvCell } from '#libs/platform/csv.ts';
import { tableColumns } from '../../services/api/csv-answer.ts';
import type { Api } from '../../services/api/role.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import {
  addCourseState,
  addEngagementSeries,
  addPeople,
  ask,
  errorOf,
  insert,
  insertAll,
  startTestApi,
  walk,
} from './support.ts';

/* Every list is also available as a table. */

const STUDENTS = Array.from({ length: 60 }, (_, n) => n + 1);
const DAYS = Array.from({ length: 100 }, (_, n) => n * 7 - 300);

let analytics: TestDatabase;
let api: Api;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_csv');
  const { db } = analytics;
  await adoptFirstSettings(db, await openSettings(loadConfig({}), db));
  await addPeople(db, STUDENTS.length, 1);
  await addCourseState(db, 1, '2026-03-20');
  await insertAll(
    db,
    'engagement_features',
    STUDENTS.map((student_id) => ({ student_id, course_id: 1, engagement_score: student_id / 4 })),
  );
  for (const student_id of STUDENTS) {
    const key = { student_id, course_id: 1 };
    await addEngagementSeries(db, key, { first_day: '2025-12-11', score: DAYS.map(Math.abs), trend: DAYS });
  }
  await insert(db, 'rejected_change', {
    origin: 'topic:0:7',
    source_table: 'grades',
    epoch: 1,
    lsn: 7,
    reason: 'undecodable',
    payload: '=cmd|"/c calc"!A1',
    rejected_at: '2026-03-20T08:00:00Z',
  });
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const PATHS = ROUTES.filter((route) => tableColumns(route) !== null).map(({ path }) => {
  const query = path === '/api/directory' ? '?course_id=1' : path.endsWith('/trends') ? '?days=100' : '';
  return path.replace(/:\w+/g, '1') + query;
});

interface Table {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly lines: Record<string, string>[];
}

async function table(path: string, headers: Record<string, string> = {}): Promise<Table> {
  const answer = await fetch(api.url + path, { headers: { accept: 'text/csv', ...headers } });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, lines: parse(text, { columns: true, bom: false }) };
}

const shown = (value: unknown): string =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value).replace(/^(?=[=+@])/, "'");

test('there are lists', () => {
  expect(PATHS.length).toBeGreaterThan(12);
});

test.each(PATHS)('%s: the same rows in columns, unknown is empty', async (path) => {
  const { status, headers, text, lines } = await table(path);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(headers.get('content-disposition')).toMatch(/^attachment; filename="[a-z]+\.csv"$/);
  expect(headers.get('vary')).toMatch(/\baccept\b(?!-)/i);
  expect(text).toMatch(/^[a-z_]+(,\w+)+\r\n/);
  const json = await ask(api.url + path);
  expect(json.headers.get('vary')).toMatch(/\baccept\b(?!-)/i);
  expect(headers.get('link')).toBe(json.headers.get('link'));
  const rows = json.body as Record<string, unknown>[];
  expect(lines).toEqual(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shown(value)]))),
  );
});

test('a list that is sent as it is read is whole, and numbers below zero stay numbers', async () => {
  const { lines } = await table('/api/engagement/trends?days=100');
  expect(lines).toHaveLength(STUDENTS.length * DAYS.length);
  expect(lines[0]).toMatchObject({ student_id: '1', engagement_trend: '-0.0003' });
});

test('the Link header leads from page to page', async () => {
  const { sizes, links } = await walk(api, '/api/students?limit=25');
  expect(sizes).toEqual([25, 25, 10]);
  const pages = await Promise.all(['/api/students?limit=25', ...links].map((path) => table(path)));
  expect(pages.map(({ lines }) => lines.length)).toEqual(sizes);
  expect(pages.map(({ headers }) => headers.get('link') === null)).toEqual([false, false, true]);
});

test('an empty list has its header line', async () => {
  const { text } = await table('/api/anomalies');
  expect(text).toMatch(/^student_id,[\w,]+\r\n$/);
});

describe('what a spreadsheet would run is text', () => {
  test.each([
    ['=1+1', "'=1+1"],
    // Where the decimal sign is a comma, spreadsheets split cells at semicolons, and lines inside quotes that they do not notice.
    ["x;=cmd|' /C calc'!A0", `"x;'=cmd|' /C calc'!A0"`],
    ['a\tb\n@c', `"a\tb\n'@c"`],
    ['Algebra; Analysis - I', '"Algebra; Analysis - I"'],
    ['+49 30', "'+49 30"],
    ['-5', "'-5"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', `"'\t=1"`],
    ['\r=1', `"'\r'=1"`],
    // Apple's Numbers, and Excel in Japan, take the full-width ones for the others.
    ['＝1+1', "'＝1+1"],
    ['x;＠c', `"x;'＠c"`],
    // Split at the semicolon, the doubled quote is an empty text before the formula.
    ['x;"=1+1;', `"x;""'=1+1;"`],
    ['a "b", c\r\nd', '"a ""b"", c\r\nd"'],
    ['عمر', 'عمر'],
    [-5, '-5'],
    [0, '0'],
    [null, ''],
    [false, 'false'],
    [[{ a: 1 }], '"[{""a"":1}]"'],
    // Still the same JSON.
    [{ a: "x;=cmd|' /C calc'!A0;－1" }, `"{""a"":""x;\\u003dcmd|' /C calc'!A0;\\uff0d1""}"`],
  ])('%j is written %j', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  test('in an answer', async () => {
    const { lines } = await table('/api/rejected');
    expect(lines).toMatchObject([{ payload: `'=cmd|"/c calc"!A1`, source_id: '', position: '1:0/7' }]);
  });
});

describe('what is asked for', () => {
  test.each([
    ['text/csv', 'text/csv'],
    ['text/csv;q=0.9, application/json;q=0.8', 'text/csv'],
    ['text/csv;q=0.1, application/json', 'application/json'],
    ['text/html, */*;q=0.8', 'application/json'],
    ['text/*', 'text/csv'],
    ['*/*', 'application/json'],
  ])('%s gets %s', async (accept, type) => {
    const { headers } = await fetch(`${api.url}/api/students`, { headers: { accept } });
    expect(headers.get('content-type')).toBe(`${type}; charset=utf-8`);
  });

  test.each(['text/html', 'application/xml, image/*', 'text/csv;q=0'])('%s is refused', async (accept) => {
    for (const path of PATHS) {
      const refused = await ask(api.url + path, { headers: { accept } });
      expect([refused.status, errorOf(refused).code]).toEqual([406, 'not_acceptable']);
      expect(errorOf(refused).message).toContain('text/csv');
    }
  });

  test('what goes wrong is said in JSON', async () => {
    const answer = await ask(`${api.url}/api/students?limit=x`, { headers: { accept: 'text/csv' } });
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'invalid_parameter']);
  });
});

test('a table has a tag of its own, and is packed, as JSON is', async () => {
  for (const path of ['/api/students', '/api/metrics/student/1']) {
    const first = await table(path);
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^W\//);
    expect((await ask(api.url + path)).headers.get('etag')).not.toBe(tag);
    // With this header, fetch also tells caches on the way not to give an old answer.
    expect((await fetch(api.url + path, { headers: { accept: 'text/csv', 'if-none-match': tag } })).status).toBe(304);
  }
  const packed = await fetch(`${api.url}/api/students`, { headers: { accept: 'text/csv', 'accept-encoding': 'gzip' } });
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect((await packed.text()).split('\r\n')).toHaveLength(STUDENTS.length + 2);
});

test('HEAD says what GET would', async () => {
  const head = await fetch(`${api.url}/api/students`, { method: 'HEAD', headers: { accept: 'text/csv' } });
  const got = await table('/api/students');
  for (const name of ['content-type', 'content-disposition', 'etag'])
    expect(head.headers.get(name)).toBe(got.headers.get(name));
});
