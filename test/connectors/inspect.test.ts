import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { originText, whyAnotherOrigin } from '#libs/source/postgres/signature.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { clusterOf, NOWHERE } from '../support/cluster.ts';
import { createSourceDatabase } from '../support/database.ts';
import { createFixture, type Fixture, register } from './fixture.ts';

/* What the connector could not follow, or would get wrong, is refused before anything is made, without even asking Connect. */

let fixture: Fixture;
const role = `debezium_${process.pid}`;
beforeEach(async () => {
  fixture = await createFixture('inspect', clusterOf(NOWHERE));
  await fixture.source.db.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'secret'`);
  await fixture.source.db.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
});
afterEach(async () => {
  await fixture.source.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await fixture.drop();
});

const registerAs = (user: string): Promise<string[]> =>
  register(fixture, { source: { ...fixture.source.address, user, password: 'secret' } });

test.for([
  [
    'rows that row-level security hides from its role: Debezium would leave them out without a word',
    'ALTER TABLE grades ENABLE ROW LEVEL SECURITY',
    `row-level security hides rows of public.grades from the user "${role}", whatever it is granted`,
  ],
  [
    'a deferrable primary key: the school could change no row any more',
    'ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE',
    'the primary key of the source table public.grades is deferrable',
  ],
  [
    'a role that may not replicate',
    `ALTER ROLE ${role} NOREPLICATION`,
    `the user "${role}" may not read the log of the source database`,
  ],
] as const)('%s', async ([, sql, message]) => {
  await fixture.source.db.query(sql);
  await expect(registerAs(role)).rejects.toThrow(message);
  expect(await openProgressStore(fixture.analytics.db).read(DEBEZIUM_STREAM)).toBeUndefined();
  const made = `SELECT pubname::text FROM pg_publication
                UNION ALL SELECT slot_name FROM pg_replication_slots WHERE database = current_database()
                UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'prepadata'`;
  expect(await fixture.source.db.query(made)).toEqual([]);
});

test('a table that is unlogged: what it is given meanwhile is sent by nobody, so the epoch ends with it', async () => {
  const now = { identity: '77/1/lms', signature: 'print' };
  const progress = openProgressStore(fixture.analytics.db);
  await progress.beginEpoch(DEBEZIUM_STREAM, originText(now), 'a test');
  await fixture.source.db.query('ALTER TABLE grades SET UNLOGGED');
  await expect(registerAs(role)).rejects.toThrow('the source table public.grades is unlogged');
  const stored = await progress.read(DEBEZIUM_STREAM);
  expect(whyAnotherOrigin(stored?.origin ?? '', now)).toMatch(/was unlogged for a while/);
});

test('a database without an encoding: Debezium would stop at bytes that are no UTF-8, or make other text of them', async () => {
  const source = await createSourceDatabase('inspect_bytes', undefined, undefined, 'SQL_ASCII');
  await expect(register(fixture, { source: source.address })).rejects.toMatchObject({
    message: expect.stringMatching(/^the source database is encoded in SQL_ASCII/),
    hint: expect.stringMatching(/CDC_SOURCE=pgoutput/),
  });
  await source.drop();
});
