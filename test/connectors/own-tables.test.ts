import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureOwnTables, ownTablesSql } from '../../services/register/own-tables.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

/* The heartbeat and the signal table, in states that an administrator may have left them in. */

const USER = `own_tables_${process.pid}`;
let source: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  source = await createSourceDatabase('own_tables');
  await source.db.query(`CREATE ROLE ${USER} LOGIN PASSWORD 'secret'`);
  await source.db.query('CREATE PUBLICATION prepadata FOR TABLE grades');
  for (const statement of ownTablesSql(USER, 'prepadata')) await source.db.query(statement);
  client = new pg.Client({ ...source.address, user: USER, password: 'secret' });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await source.db.query(`DROP OWNED BY ${USER}; DROP ROLE ${USER}`);
  await source.drop();
});
beforeEach(() =>
  source.db.query(`ALTER TABLE prepadata.heartbeat OWNER TO CURRENT_USER;
                   ALTER TABLE prepadata.signal DISABLE ROW LEVEL SECURITY`),
);

test('they are made and published where they are missing, by whoever may', async () => {
  const owner = new pg.Client(source.address);
  await owner.connect();
  await owner.query('DROP SCHEMA prepadata CASCADE');
  await ensureOwnTables(owner, USER, 'prepadata');
  await owner.end();
  expect(await ensure()).toBeUndefined();
  const published = `SELECT tablename FROM pg_publication_tables WHERE schemaname = 'prepadata' ORDER BY 1`;
  expect(await source.db.query(published)).toEqual([{ tablename: 'heartbeat' }, { tablename: 'signal' }]);
});

test('who may not make them is told what the owner runs', async () => {
  await source.db.query('DROP SCHEMA prepadata CASCADE');
  expect(await ensure()).toMatchObject({
    name: 'ConfigurationError',
    message: expect.stringContaining(`the user "${USER}" may not make them so`),
    hint: expect.stringContaining('CREATE TABLE IF NOT EXISTS prepadata.heartbeat'),
  });
  for (const statement of ownTablesSql(USER, 'prepadata')) await source.db.query(statement);
  expect(await ensure()).toBeUndefined();
});

const ensure = (): Promise<unknown> => ensureOwnTables(client, USER, 'prepadata').catch((error: unknown) => error);

test.each([
  ['enabled', 'ALTER TABLE prepadata.signal ENABLE ROW LEVEL SECURITY', ['prepadata.signal']],
  [
    'forced upon their owner',
    `ALTER TABLE prepadata.heartbeat OWNER TO ${USER};
     ALTER TABLE prepadata.heartbeat ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
     ALTER TABLE prepadata.signal ENABLE ROW LEVEL SECURITY`,
    ['prepadata.heartbeat', 'prepadata.signal'],
  ],
])('row-level security, %s, is refused by name, and the remedy works', async (_how, sql, names) => {
  await source.db.query(sql);
  await expect(client.query(`INSERT INTO ${names[0]} VALUES ('1', now())`)).rejects.toThrow('row-level security');
  const refusal = await ensure();
  expect(refusal).toMatchObject({
    name: 'ConfigurationError',
    message: `row-level security keeps the user "${USER}" from ${names.join(' and ')}, which the connector writes in`,
  });
  const { hint } = refusal as { hint: string };
  await source.db.query(hint.slice(hint.indexOf('ALTER')));
  expect(await ensure()).toBeUndefined();
});

test("row-level security that does not hold for their owner is nobody's concern", async () => {
  await source.db.query(`ALTER TABLE prepadata.heartbeat OWNER TO ${USER};
                         ALTER TABLE prepadata.heartbeat ENABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY`);
  expect(await ensure()).toBeUndefined();
});
