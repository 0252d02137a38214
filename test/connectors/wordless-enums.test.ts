import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseWordlessEnums } from '../../services/register/wordless-enums.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

let source: TestDatabase;
let client: pg.Client;
beforeEach(async () => {
  source = await createSourceDatabase('wordless_enums');
  client = new pg.Client(source.address);
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await source.drop();
});

test('a domain over an enum and an enum without words are refused by name, wherever they are, and nothing else; what it says to do helps', async () => {
  await client.query(`CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN grade AS numeric; CREATE DOMAIN moods AS mood[]`);
  await refuseWordlessEnums(client);
  await client.query(
    'CREATE SCHEMA other; CREATE DOMAIN other."Moody" AS mood; CREATE DOMAIN other.deep AS other."Moody"; CREATE TYPE other.empty AS ENUM (); CREATE DOMAIN other.void AS other.empty',
  );
  const refused: { message: string; hint: string } = await refuseWordlessEnums(client).then(
    () => Promise.reject(new Error('it was not refused')),
    (error: { message: string; hint: string }) => error,
  );
  expect(refused.message).toBe(
    'the source database has other."Moody" (a domain over an enum), other.deep (a domain over an enum), other.empty (an enum without words), other.void (a domain over an enum), and Debezium does not start on a database that has such a type',
  );
  const [, statements = ''] = /run: (.*;) or read/.exec(refused.hint) ?? [];
  await client.query(statements);
  await refuseWordlessEnums(client);
});
