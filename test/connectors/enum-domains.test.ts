import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseEnumDomains } from '../../services/register/enum-domains.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

let source: TestDatabase;
let client: pg.Client;
beforeEach(async () => {
  source = await createSourceDatabase('enum_domains');
  client = new pg.Client(source.address);
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await source.drop();
});

test('a domain over an enum is refused by name, wherever it is, and nothing else; what it says to do helps', async () => {
  await client.query(`CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN grade AS numeric; CREATE DOMAIN moods AS mood[]`);
  await refuseEnumDomains(client);
  await client.query(
    'CREATE SCHEMA other; CREATE DOMAIN other."Moody" AS mood; CREATE DOMAIN other.deep AS other."Moody"',
  );
  const refused: { message: string; hint: string } = await refuseEnumDomains(client).then(
    () => Promise.reject(new Error('it was not refused')),
    (error: { message: string; hint: string }) => error,
  );
  expect(refused.message).toBe(
    'the source database has other."Moody", other.deep, domains over an enum, and Debezium does not start on a database that has one',
  );
  const [, statements = ''] = /run: (.*;) or read/.exec(refused.hint) ?? [];
  await client.query(statements);
  await refuseEnumDomains(client);
});
