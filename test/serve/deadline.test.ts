import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDeadline } from '#libs/serve/deadline.ts';
import { DatabaseDeadlineError } from '#libs/serve/errors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('serve_deadline', 2);
});
afterAll(() => database.drop());

test('an answer in time is passed on, and so is an error', async () => {
  const db = withDeadline(database.db, 5_000);
  expect(await db.query('SELECT $1::integer AS n', [7])).toEqual([{ n: 7 }]);
  await expect(db.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
});

test('a late answer is an error, and what the statement says afterwards goes nowhere', async () => {
  const db = withDeadline(database.db, 50);
  const asking = db.query("SELECT pg_sleep(0.3)::text || (1 / (now() < '2000-01-01')::int)");
  await expect(asking).rejects.toThrow(DatabaseDeadlineError);
  await expect(asking).rejects.toMatchObject({ code: 'database_unavailable' });
  // The connection is free again once its statement has ended.
  expect(await database.db.query('SELECT pg_sleep(0.4)::text AS slept, 1 AS n')).toMatchObject([{ n: 1 }]);
});
