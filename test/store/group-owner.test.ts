import { expect, test } from 'vitest';
import type { PrepaError } from '#libs/domain/errors.ts';
import { openLog } from '#libs/platform/log.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { statementsIn } from '../source/refusal.ts';
import { createTestDatabase } from '../support/database.ts';

test('what a member of the owning group has made is not open to another until the group owns it, as is said', async () => {
  const { address, db, drop } = await createTestDatabase('group');
  const [group, first, second, stranger] = ['own', 'm1', 'm2', 'x'].map((name) => `${name}_${address.database}`);
  await db.query(`CREATE ROLE ${group}`);
  for (const member of [first, second]) await db.query(`CREATE ROLE ${member} LOGIN PASSWORD 'x' IN ROLE ${group}`);
  await db.query(`CREATE ROLE ${stranger} LOGIN PASSWORD 'x'`);
  await db.query(`ALTER DATABASE "${address.database}" OWNER TO ${group}`);
  const open = async (user = ''): Promise<void> => {
    const signal = new AbortController().signal;
    const options = { name: 'test', role: 'owner' as const, log: openLog('silent'), signal };
    await (await openAnalytics({ ...address, user, password: 'x' }, options)).close();
  };
  await open(first);
  const refused = (await open(second).catch((error: unknown) => error)) as PrepaError;
  expect(refused).toMatchObject({
    code: 'configuration',
    message: expect.stringContaining(`were made by ${first} and are not open to ${second}: permission denied`),
    hint: expect.stringMatching(new RegExp(`^log in as the one who made them: ANALYTICS_DB_USER=${first}; or, `)),
  });
  await expect(open(stranger)).rejects.toMatchObject({
    hint: expect.stringContaining('connectors/analytics-roles.sql'),
  });
  await db.query(statementsIn(refused.hint)[0] ?? '');
  await open(second);
  await open(first);
  await drop();
  // Roles belong to the whole server.
  const admin = await createTestDatabase('group');
  await admin.db.query(`DROP ROLE ${[first, second, stranger, group].join(', ')}`);
  await admin.drop();
});
