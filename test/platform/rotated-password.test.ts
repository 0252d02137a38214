import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal, openDatabase } from '#libs/platform/postgres/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const USER = `rotated_${process.pid}`;

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await createTestDatabase('rotated', 2);
  await postgres.db.query(`CREATE ROLE ${USER} LOGIN PASSWORD 'first'`);
});
afterAll(async () => {
  await postgres.db.query(`DROP ROLE ${USER}`);
  await postgres.drop();
});

test('a new connection logs in with the password that holds by then', async () => {
  const login = { user: USER, password: 'first' };
  const db = openDatabase(
    {
      ...postgres.address,
      user: USER,
      get password() {
        return login.password;
      },
    },
    { connections: 1 },
  );
  const whoAmI = 'SELECT current_user::text AS name';
  try {
    expect(await db.query(whoAmI)).toEqual([{ name: USER }]);
    await postgres.db.query(`ALTER ROLE ${USER} PASSWORD 'second'`);
    await postgres.db.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1', [USER]);
    await expect.poll(() => db.query(whoAmI).catch(({ code }) => code)).toBe('28P01');
    // Its file is there already, and the password in it is not yet.
    login.password = '';
    await expect(db.query(whoAmI)).rejects.toSatisfy(isRefusal);
    login.password = 'second';
    expect(await db.query(whoAmI)).toEqual([{ name: USER }]);
  } finally {
    await db.close();
  }
});
