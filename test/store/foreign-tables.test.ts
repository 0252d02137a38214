import { afterEach, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
afterEach(() => database.drop());

/** Tables of the original PrepaData under our names, and one of anybody's. */
test.each([
  ['pipeline_logs', 'CREATE TABLE pipeline_logs (id serial PRIMARY KEY)'],
  ['student_metrics', 'CREATE TABLE student_metrics (id serial PRIMARY KEY, student_id integer)'],
  ['temporal_features', 'CREATE TABLE temporal_features (id serial PRIMARY KEY, feature_date date)'],
  ['course', 'CREATE VIEW course AS SELECT 1 AS course_id'],
])("a database with somebody else's %s is refused by name, and nothing in it changes", async (name, sql) => {
  database = await createTestDatabase('foreign');
  await database.db.query(sql);
  const opening = openAnalytics(database.address, {
    name: 'test',
    role: 'owner',
    log: openLog('silent'),
    signal: new AbortController().signal,
  });
  await expect(opening).rejects.toMatchObject({
    name: 'ConfigurationError',
    message: expect.stringMatching(new RegExp(`the analytics database .* under a name of ours.*"${name}"`)),
    hint: expect.stringContaining('ANALYTICS_DB_NAME=prepadata'),
  });
  expect(
    await database.db.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')`,
    ),
  ).toEqual([{ relname: name }]);
});
