import { expect } from 'vitest';
import type { Clock } from '#libs/domain/clock.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { type Api, type ApiOptions, startApi } from '../../services/api/role.ts';

export const NOW = Date.parse('2026-03-20T12:00:00Z');
const clock: Clock = { now: () => NOW };

/** A role on a free loopback port, with default settings except those given. */
export const startTestApi = (db: Database, options: Partial<ApiOptions> = {}): Promise<Api> =>
  startApi({
    db,
    host: '127.0.0.1',
    port: 0,
    tokens: [],
    auth: 'token',
    log: openLog('silent'),
    clock,
    checks: () => [],
    ...options,
  });

/** Serves with these options while `work` runs. */
export async function serveWhile(
  db: Database,
  options: Partial<ApiOptions>,
  work: (api: Api) => Promise<void>,
): Promise<void> {
  const api = await startTestApi(db, options);
  try {
    await work(api);
  } finally {
    await api.stop();
  }
}

/** `n` as a UUID of students (`a`), courses (`c`) or rows (`e`). */
export const uuid = (kind: 'a' | 'c' | 'e', n: number): string =>
  `${kind.repeat(8)}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

/** Students 1 … n and courses 1 … n, whose integers are also 1 … n in a fresh database. */
export async function addPeople(db: Database, students: number, courses: number): Promise<void> {
  const ids = (kind: 'a' | 'c', count: number): string[] => Array.from({ length: count }, (_, n) => uuid(kind, n + 1));
  await db.query('INSERT INTO student (source_id) SELECT unnest($1::uuid[])', [ids('a', students)]);
  await db.query('INSERT INTO course (source_id) SELECT unnest($1::uuid[])', [ids('c', courses)]);
}

/** A course with this as-of day. */
export const addCourseState = (db: Database, courseId: number, asOf: string): Promise<object[]> =>
  db.query('INSERT INTO state.course (course_id, version, covered_from, as_of) VALUES ($1, 1, $2, $3::date)', [
    courseId,
    [],
    asOf,
  ]);

const REQUIRED = `SELECT attname::text AS name FROM pg_attribute
  WHERE attrelid = $1::regclass AND attnum > 0 AND attnotnull AND NOT atthasdef AND atttypid IN (20, 21, 23, 1700)`;

const uncovered = { value: null, target: 5, weight: 0.25, covered: false };
const COMPONENTS = { logins: uncovered, time: uncovered, forum_posts: uncovered, resources: uncovered };

/**
 * Inserts rows into a table; all must have the same columns. In feature tables, columns that must not be null are filled
 * in: stamps with distinguishable values, numbers with 0.
 */
export async function insertAll(db: Database, table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  const defaults: Record<string, unknown> = {};
  if (table.endsWith('_features')) {
    for (const { name } of await db.query<{ name: string }>(REQUIRED, [table])) defaults[name] = 0;
    Object.assign(defaults, { as_of_date: '2026-03-20', computed_at: '2026-03-20T08:00:00.5Z', feature_version: 1 });
    if (table === 'engagement_features') {
      Object.assign(defaults, { activity_scope: 'course', engagement_components: COMPONENTS });
    }
    if (table === 'anomaly_features') Object.assign(defaults, { unsupported: [] });
  }
  const filled = rows.map((row) => ({ ...defaults, ...row }));
  const columns = Object.keys(filled[0] ?? {}).join(', ');
  await db.query(
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1::json)`,
    [JSON.stringify(filled)],
  );
}

export const insert = (db: Database, table: string, row: Record<string, unknown>): Promise<void> =>
  insertAll(db, table, [row]);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Requests a URL, and checks what must hold for every answer. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** The error of an answer, in the one shape that all errors have. */
export function errorOf(answer: Answer): { code: string; message: string; hint: string } {
  expect(answer.body).toEqual({
    error: { code: expect.any(String), message: expect.any(String), hint: expect.stringMatching(/./) },
  });
  return (answer.body as { error: { code: string; message: string; hint: string } }).error;
}

/** Follows the Link headers from the first page to the last. */
export async function walk(api: Api, path: string): Promise<{ rows: unknown[]; sizes: number[]; links: string[] }> {
  const rows: unknown[] = [];
  const sizes: number[] = [];
  const links: string[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const { status, body, headers } = await ask(api.url + next);
    expect(status).toBe(200);
    const page = body as unknown[];
    rows.push(...page);
    sizes.push(page.length);
    const link = headers.get('link');
    next = link === null ? undefined : /^<([^>]+)>; rel="next"$/.exec(link)?.[1];
    if (link !== null) expect(next).toMatch(/^\/api\//);
    if (next !== undefined) links.push(next);
  }
  return { rows, sizes, links };
}

/** Days of one key's engagement from `first_day` on: hundredths, trends in millionths. */
export async function addEngagementSeries(
  db: Database,
  key: { student_id: number; course_id: number },
  series: { first_day: string; score: (number | null)[] } & Partial<
    Record<'ma7' | 'ma30' | 'trend' | 'events', (number | null)[]>
  >,
): Promise<void> {
  const nothing = series.score.map(() => null);
  await insert(db, 'state.key', { family: 'engagement', ...key, derived: true });
  await insert(db, 'state.engagement_series', {
    ...key,
    ma7: nothing,
    ma30: nothing,
    trend: nothing,
    events: series.score.map(() => 0),
    ...series,
  });
}
