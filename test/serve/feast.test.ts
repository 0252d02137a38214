import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { TYPE_OF_UNIT, type Unit } from '#libs/features/units.ts';
import { FEAST_REPOSITORY } from '#libs/serve/catalogue/feast.ts';
import { CATALOGUE } from '#libs/serve/catalogue/index.ts';
import { writeFeastRepository } from '../../services/catalogue/feast.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

/* What can be checked without Feast; in CI a real one runs these definitions (test/connectors/data). */

const { text } = FEAST_REPOSITORY.definitions;
const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-feast-'));
let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('feast');
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await analytics.drop();
});

/** The part of the definitions that belongs to a table. */
const viewOf = (table: string): string =>
  text.split(/^(?=\w+ = FeatureView\()/m).find((part) => part.startsWith(table)) ?? '';

test('every declared column is a field of the view of its table, with a type and what it means', () => {
  const types: Readonly<Record<string, string>> = {
    integer: 'Int32',
    bigint: 'Int64',
    numeric: 'Float64',
    boolean: 'Bool',
  };
  for (const { table, name, unit, formula } of CATALOGUE) {
    const [line = ''] = viewOf(table).match(new RegExp(`^ +Field\\(name="${name}",.*$`, 'm')) ?? [];
    expect(line, `${table}.${name}`).toContain(`dtype=${types[TYPE_OF_UNIT[unit as Unit]] ?? ''}`);
    expect(line).toContain(JSON.stringify(formula).slice(1, -1));
  }
  expect(text.match(/^ +Field\(/gm)).toHaveLength(CATALOGUE.length + 4 * 2);
});

test('every query of a view finds its columns, decimals as doubles, nested values as text', async () => {
  const queries = [...text.matchAll(/query="""(.*?)"""/gs)].map(([, query = '']) => query);
  expect(queries).toHaveLength(4);
  for (const [n, query] of queries.entries()) {
    await analytics.db.query(`CREATE VIEW asked_${n} AS ${query}`);
    const columns = await analytics.db.query<{ name: string; type: string }>(
      `SELECT attname::text AS name, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = 'asked_${n}'::regclass`,
    );
    expect(columns).toContainEqual({ name: 'known_at', type: 'timestamp with time zone' });
    expect(columns.filter(({ type }) => ['numeric', 'jsonb'].includes(type))).toEqual([]);
  }
});

test('made again, the definitions are new and what people change is left', () => {
  const [definitions, store] = [path.join(folder, 'prepadata.py'), path.join(folder, 'feature_store.yaml')];
  writeFeastRepository(folder);
  writeFileSync(definitions, 'old');
  writeFileSync(store, 'mine');
  expect(writeFeastRepository(folder)).toEqual([`${definitions} is written`, `${store} is left as it was`]);
  expect(readFileSync(definitions, 'utf8')).toBe(text);
  expect(readFileSync(store, 'utf8')).toBe('mine');
});

test('a folder that cannot be is named, with what to do', () => {
  const file = path.join(folder, 'a-file');
  writeFileSync(file, '');
  expect(() => writeFeastRepository(file)).toThrow(ConfigurationError);
  expect(() => writeFeastRepository(file)).toThrow(/cannot be written to .*a-file: .*EEXIST|ENOTDIR/);
});
