import { expect } from 'vitest';
import type { Clock } from '#libs/domain/clock.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/migrate.ts';
import { type Api, type ApiOptions, startApi } from '../../services/api/role.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

export const NOW = Date.parse('2026-03-20T12:00:00Z');
const clock: Clock = { now: () => NOW };

/** A role on a free loopback port, all settings at their defaults but those given. */
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

/** A migrated analytics database of its own. */
export async function createAnalytics(purpose: string): Promise<TestDatabase> {
  const analytics = await createTestDatabase(purpose);
  await migrate(analytics.db);
  return analytics;
}

/** `n` as a UUID of students (`a`), courses (`c`) or rows (`e`). */
export const uuid = (kind: 'a' | 'c' | 'e', n: number): string =>
  `${kind.repeat(8)}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

/** Students 1 … n and courses 1 … n, whose integers are 1 … n too in a fresh database. */
export async function addPeople(db: Database, students: number, courses: number): Promise<void> {
  const ids = (kind: 'a' | 'c', count: number): string[] => Array.from({ length: count }, (_, n) => uuid(kind, n + 1));
  await db.query('INSERT INTO student (source_id) SELECT unnest($1::uuid[])', [ids('a', students)]);
  await db.query('INSERT INTO course (source_id) SELECT unnest($1::uuid[])', [ids('c', courses)]);
}

/** A course that speaks for a day. */
export const addCourseState = (db: Database, courseId: number, asOf: string): Promise<object[]> =>
  db.query('INSERT INTO state.course (course_id, version, covered_from, as_of) VALUES ($1, 1, $2, $3::date)', [
    courseId,
    [],
    asOf,
  ]);

/** Puts a row into a table, its columns by name; required stamps are filled in for feature tables. */
export async function insert(db: Database, table: string, row: Record<string, unknown>): Promise<void> {
  const stamps = table.endsWith('_features')
    ? { as_of_date: '2026-03-20', computed_at: '2026-03-20T08:00:00.5Z', row_version: 1, feature_version: 1 }
    : {};
  await db.query(`INSERT INTO ${table} SELECT * FROM json_populate_record(NULL::${table}, $1::json)`, [
    JSON.stringify({ ...stamps, ...row }),
  ]);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Asks, and checks what holds for every answer. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** The error of an answer in the one shape that errors have. */
export function errorOf(answer: Answer): { code: string; message: string; hint: string } {
  expect(answer.body).toEqual({
    error: { code: expect.any(String), message: expect.any(String), hint: expect.stringMatching(/./) },
  });
  return (answer.body as { error: { code: string; message: string; hint: string } }).error;
}
