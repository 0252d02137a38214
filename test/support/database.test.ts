import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSourceDatabase, type TestDatabase } from './database.ts';

let source: TestDatabase;
beforeAll(async () => {
  source = await createSourceDatabase('support');
});
afterAll(() => source.drop());

test('a source database has the tables of an LMSConnector', async () => {
  const tables = await source.db.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`,
  );
  expect(tables.map((table) => table.name)).toEqual([
    'activity_logs',
    'courses',
    'enrollments',
    'grades',
    'lms_sources',
    'students',
    'sync_logs',
  ]);
});
