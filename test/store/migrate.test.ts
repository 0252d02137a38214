import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '#libs/store/schema/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const FOLDER = new URL('../../schemas/sql/', import.meta.url);
const MIGRATIONS = readdirSync(FOLDER).sort();
const versionOf = (name: string): number => Number(name.slice(0, 4));

let analytics: TestDatabase;
beforeEach(async () => {
  analytics = await createTestDatabase('migrate');
});
afterEach(() => analytics.drop());

const columns = ({ db }: TestDatabase): Promise<unknown[]> =>
  db.query(`SELECT table_schema, table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns
    WHERE table_schema IN ('public', 'state', 'compat') ORDER BY 1, 2, 3`);

/** Numbers were assigned on branches, and the lower one arrived later: the versions that existed in between. */
test.each([
  ['of the roles as processes', [1, 2, 3, 4, 5, 6, 8, 11]],
  ['of the connector', [1, 2, 3, 4, 5, 6, 8, 10, 11]],
  ['of the anomalies', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 17]],
])('a database %s gets the migrations that came later with lower numbers, too', async (_, versions) => {
  const { db } = analytics;
  await db.query(
    'CREATE TABLE schema_version (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
  );
  for (const name of MIGRATIONS.filter((file) => versions.includes(versionOf(file)))) {
    await db.query(readFileSync(new URL(name, FOLDER), 'utf8'));
    await db.query('INSERT INTO schema_version (version, name) VALUES ($1, $2)', [versionOf(name), name]);
  }
  const applied = (await migrate(db)).filter((name) => !name.startsWith('views/'));
  expect(applied).toEqual(MIGRATIONS.filter((file) => !versions.includes(versionOf(file))));
  expect(await migrate(db)).toEqual([]);
  const fresh = await createTestDatabase('migrate_fresh');
  try {
    await migrate(fresh.db);
    expect(await columns(analytics)).toEqual(await columns(fresh));
  } finally {
    await fresh.drop();
  }
});

test('a migration that was committed stays as it is: databases that have it would not get what it says now', () => {
  const listed = readFileSync(new URL('migrations.sha256', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  const present = MIGRATIONS.map((name) => {
    const digest = createHash('sha256')
      .update(readFileSync(new URL(name, FOLDER)))
      .digest('hex');
    return `${digest}  ${name}`;
  });
  expect(
    present,
    'of one that has changed, undo that and write a new one; add a new one by: (cd schemas/sql && sha256sum <file> >> ../../test/store/migrations.sha256)',
  ).toEqual(listed);
});

test('what has to be derived again is asked for by the definitions, and not by a migration: a role of the version before would take its marks, and derive as before', () => {
  const marking = MIGRATIONS.filter((name) => /\bkey_mark\b/.test(readFileSync(new URL(name, FOLDER), 'utf8')));
  expect(marking.filter((name) => versionOf(name) > 32)).toEqual([]);
});

test('a database that had a migration before it was changed ends like a new one', async () => {
  const { db } = analytics;
  await migrate(db);
  const inPlace = async (): Promise<unknown[]> => [
    await columns(analytics),
    await db.query(`SELECT indexdef FROM pg_indexes WHERE indexname = 'anomaly_features_attention'`),
    await db.query(`SELECT prosrc FROM pg_proc WHERE proname = 'drop_image_indexes'`),
  ];
  const fresh = await inPlace();
  await db.query('ALTER TABLE state.instance DROP COLUMN streamed');
  await db.query('DROP INDEX anomaly_features_attention');
  await db.query('CREATE INDEX anomaly_features_attention ON anomaly_features (course_id) WHERE attention IS NOT NULL');
  await db.query(
    `CREATE OR REPLACE FUNCTION state.drop_image_indexes(source_table text) RETURNS boolean LANGUAGE sql AS 'SELECT false'`,
  );
  await db.query('DELETE FROM schema_version WHERE version = 33');
  await migrate(db);
  expect(await inPlace()).toEqual(fresh);
});
