import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import type { ConnectApi } from '../../services/register/connect-api.ts';
import { useStack } from '../support/stack.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { createFixture, type Fixture, register, until } from './fixture.ts';

/*
 * What a start accepts although it looks odd arrives completely over Kafka, as it does without: a role that reads through
 * policies of row-level security, a deferrable primary key with a full replica identity, a stored generated column.
 */

let fixture: Fixture;
let reader: TopicReader;
let connect: ConnectApi;
const role = `odd_${process.pid}`;
const values = (): unknown[] =>
  reader.records
    .map(({ value }) => [value?.op, value?.after?.['grade_item'], value?.after?.['grade_max']])
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

beforeAll(async () => {
  const made = await createFixture('odd');
  const { password } = made.source.address;
  fixture = { ...made, settings: { ...made.settings, source: { ...made.source.address, user: role } } };
  ({ connect } = fixture);
  await made.source.db.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD '${password}'`);
  for (const text of [
    `GRANT SELECT ON students, courses, enrollments, grades, activity_logs TO ${role}`,
    `GRANT CREATE ON DATABASE "${made.source.address.database}" TO ${role}`,
    `ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE, DROP COLUMN grade_max,
       ADD COLUMN grade_max numeric GENERATED ALWAYS AS (grade_value * 2) STORED`,
    'ALTER TABLE grades REPLICA IDENTITY FULL',
    'ALTER TABLE grades ENABLE ROW LEVEL SECURITY',
    `CREATE POLICY open ON grades FOR SELECT TO ${role} USING (true)`,
    `CREATE PUBLICATION prepadata FOR TABLE students, courses, enrollments, grades, activity_logs
       WITH (publish_generated_columns = stored)`,
    `CREATE SCHEMA prepadata CREATE TABLE heartbeat (id integer PRIMARY KEY, beat_at timestamptz NOT NULL)
       CREATE TABLE signal (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))`,
    `GRANT USAGE ON SCHEMA prepadata TO ${role}`,
    `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA prepadata TO ${role}`,
    'ALTER PUBLICATION prepadata ADD TABLE prepadata.heartbeat, prepadata.signal',
    `INSERT INTO grades (grade_item, grade_value) VALUES ('before', 1)`,
  ])
    await made.source.db.query(text);
  reader = await readTopics(useStack(), [`${fixture.settings.name}.public.grades`]);
});
afterAll(async () => {
  await reader?.stop();
  await connect?.stop().catch(() => {});
  await connect?.remove().catch(() => {});
  await fixture?.source.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await fixture?.drop();
});

test('rows of before and of after, with every needed column', async () => {
  await register(fixture);
  await fixture.source.db.query(`INSERT INTO grades (grade_item, grade_value) VALUES ('after', 2)`);
  await fixture.source.db.query(`INSERT INTO grades (grade_item) VALUES ('no value')`);
  await fixture.source.db.query(`UPDATE grades SET grade_value = 3 WHERE grade_item = 'before'`);
  await fixture.source.db.query(`DELETE FROM grades WHERE grade_item = 'after'`);
  await until('all changes', () => reader.records.length >= 5);
  expect(values()).toEqual([
    ['c', 'after', '4'],
    ['c', 'no value', null],
    ['d', undefined, undefined],
    ['r', 'before', '2'],
    ['u', 'before', '6'],
  ]);
  expect(await openProgressStore(fixture.analytics.db).read('debezium')).toMatchObject({ phase: 'streaming' });
});
