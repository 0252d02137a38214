import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACTIVITY_TYPES } from '#libs/domain/activity-type.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { startTestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';

/* Checks the table in schemas/source.md of what an LMSConnector alone provides against what the pipeline derives from exactly such rows. */

const WRITTEN = readFileSync(path.join(import.meta.dirname, 'lmsconnector.sql'), 'utf8');
const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../schemas/source.md'), 'utf8');
const TABLES = ['engagement_features', 'performance_features', 'temporal_features'] as const;

interface Line {
  readonly columns: readonly string[];
  /** The value that everybody gets, or how the values differ. */
  readonly alone: string;
  readonly richer: string;
}

const inCode = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

const [, chapter = ''] = /\n## What an LMSConnector alone gives\n([\s\S]*?)(?:\n## |$)/.exec(PAGE) ?? [];
const LINES: readonly Line[] = chapter
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, columns = '', alone = '', richer = '']) => ({ columns: inCode(columns), alone, richer }));
const absent = LINES.filter(({ alone }) => alone.startsWith('null'));

/** The first activity type that a line says to write, and what else it names. */
function oneMore({ richer }: Line): { type: string; seconds: number | null; metadata: string | null } {
  const words = inCode(richer);
  const type = words.find((word) => (ACTIVITY_TYPES as readonly string[]).includes(word));
  if (type === undefined) throw new Error(`no type of activity is named in: ${richer}`);
  return {
    type,
    seconds: words[0] === 'duration_seconds' ? 60 : null,
    metadata: words.includes('metadata.due_at') ? '{"due_at": "2030-01-01"}' : null,
  };
}

let analytics: TestDatabase;
beforeAll(async () => {
  const source = await createSourceDatabase('lmsconnector');
  analytics = await createAnalyticsDatabase('lmsconnector_store');
  await source.db.query(WRITTEN, [new Date(Date.now() - 60_000).toISOString().slice(0, -1)]);
  for (const line of absent) {
    const { type, seconds, metadata } = oneMore(line);
    await source.db.query(
      `WITH course AS (INSERT INTO courses (id, external_id) VALUES (md5($1)::uuid, $1) RETURNING id)
       INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, duration_seconds, timestamp, metadata)
       SELECT md5('student 1')::uuid, id, $2, 'r', $3::integer, now() AT TIME ZONE 'UTC', $4::jsonb FROM course`,
      [line.columns.join(), type, seconds, metadata],
    );
  }
  const pipeline = await startTestPipeline({
    source: source.address,
    analytics: analytics.db,
    settings: testSettings(),
  });
  await untilSettled(source.db, analytics.db);
  await pipeline.stop();
  await source.drop();
}, 120_000);
afterAll(() => analytics.drop());

/** The values of a feature column over all rows of a course, as JSON. */
async function valuesOf(column: string, course = 'course'): Promise<Set<string>> {
  const table = TABLES.find((name) => column in FEATURE_SET[name]);
  if (table === undefined) throw new Error(`there is no feature ${column}`);
  const rows = await analytics.db.query<{ value: string | null }>(
    `SELECT DISTINCT to_jsonb(f."${column}")::text AS value FROM ${table} AS f JOIN course USING (course_id)
      WHERE source_id = md5($1)::uuid`,
    [course],
  );
  expect(rows.length).toBeGreaterThan(0);
  return new Set(rows.map(({ value }) => value ?? 'null'));
}

test('the page has every feature once', () => {
  const all = TABLES.flatMap((table) => Object.keys(FEATURE_SET[table]));
  const advice =
    'schemas/source.md, "What an LMSConnector alone gives": one line has each column and says what is known of it';
  expect(LINES.flatMap(({ columns }) => columns).toSorted(), advice).toEqual([...new Set(all)].toSorted());
});

test.for(LINES)('$columns: $alone', async ({ columns, alone }) => {
  const always = /^always `([^`]+)`/.exec(alone)?.[1];
  for (const column of columns) {
    const values = await valuesOf(column);
    if (alone.startsWith('null')) expect([column, ...values]).toEqual([column, 'null']);
    else if (always !== undefined) expect([column, ...values]).toEqual([column, JSON.stringify(always)]);
    else expect(values.size, column).toBeGreaterThan(1);
  }
});

test.for(absent)('$columns: one row of what the page names is enough', async ({ columns }) => {
  for (const column of columns) expect([...(await valuesOf(column, columns.join()))], column).not.toEqual(['null']);
  expect(await valuesOf('activity_scope', columns.join())).toEqual(new Set(['"course"']));
});

test('the score is one of logins alone: a fifth for each last access in seven days, all or nothing on one day', async () => {
  for (const score of await valuesOf('engagement_score')) expect(Number(score) % 20).toBe(0);
  expect(await valuesOf('engagement_score_day')).toEqual(new Set(['0.00', '100.00']));
});
