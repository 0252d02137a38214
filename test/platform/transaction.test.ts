import { afterAll, beforeAll, expect, test } from 'vitest';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await createTestDatabase('transaction', 2);
});
afterAll(() => postgres.drop());

test('of statements given together each says why the first one failed, whichever is heard of first', async () => {
  const given = postgres.db.transaction(async (tx) => {
    const [first, second] = [tx.query(`SELECT pg_sleep(0.1), 'x'::numeric`), tx.query('SELECT 2')];
    first.catch(() => {});
    await second;
  });
  await expect(given).rejects.toMatchObject({ code: '22P02' });
});

test('a deadlock is a fault of the database to every statement given with the one that met it', async () => {
  const late = postgres.db.transaction(async (tx) => {
    const all = [tx.query(`DO $$ BEGIN RAISE deadlock_detected; END $$`), tx.query('SELECT 2'), tx.query('SELECT 3')];
    await Promise.allSettled(all);
    await all.at(-1);
  });
  await expect(late).rejects.toSatisfy(isDatabaseFault);
});

test('a transaction that goes on after a failure is told of it again', async () => {
  const stubborn = postgres.db.transaction(async (tx) => {
    await tx.query('SELECT 1 / 0').catch(() => {});
    await tx.query('SELECT 1');
  });
  await expect(stubborn).rejects.toMatchObject({ code: '22012' });
});
