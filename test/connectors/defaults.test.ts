import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { refuseNullableDefaults } from '../../services/register/defaults.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

let source: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  source = await createSourceDatabase('defaults');
  client = new pg.Client(source.address);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await source.drop();
});
beforeEach(async () => {
  await client.query('BEGIN');
});
afterEach(async () => {
  await client.query('ROLLBACK');
});

test("an LMSConnector's own tables are taken as they are", async () => {
  await refuseNullableDefaults(client, sourceNames());
});

test('a default is refused where NULL is possible, and nowhere else', async () => {
  await client.query('ALTER TABLE grades ALTER grade_max SET NOT NULL, ALTER grade_max SET DEFAULT 20');
  await client.query(`ALTER TABLE students ADD COLUMN house text DEFAULT 'none'`);
  await refuseNullableDefaults(client, sourceNames());
  await client.query('ALTER TABLE enrollments ALTER enrolled_at SET DEFAULT now()');
  await client.query('ALTER TABLE grades ALTER grade_value SET DEFAULT 0');
  const refusal = refuseNullableDefaults(client, sourceNames());
  await expect(refusal).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('enrollments.enrolled_at, grades.grade_value may be NULL') as string,
    hint: expect.stringContaining('ALTER TABLE "public"."grades" ALTER COLUMN "grade_value" DROP DEFAULT;') as string,
  });
});

const METADATA: readonly (readonly [expression: string, isTaken: boolean])[] = [
  [`'{}'`, true],
  ['NULL', true],
  [`'{"origin": "it''s moodle", "state": null}'`, true],
  [`'[]'`, true],
  [`'{"state": 0}'`, false],
  [`'{"note": "it''s", "due_at": "2026-01-01"}'`, false],
  [`'{}'::jsonb || '{"event_id": "x"}'`, false],
  [`jsonb_build_object('event_id', gen_random_uuid())`, false],
];

test.for(METADATA)('metadata DEFAULT %s: taken is %s', async ([expression, isTaken]) => {
  await client.query(`ALTER TABLE activity_logs ALTER metadata SET DEFAULT ${expression}`);
  const asked = refuseNullableDefaults(client, sourceNames());
  if (isTaken) await asked;
  else await expect(asked).rejects.toThrow('activity_logs.metadata may be NULL and has a default');
});

test('a default of NULL, which some tools write out, is none', async () => {
  await client.query('ALTER TABLE activity_logs ALTER resource_id TYPE varchar(255)');
  await client.query('ALTER TABLE activity_logs ALTER resource_id SET DEFAULT NULL::character varying');
  await refuseNullableDefaults(client, sourceNames());
});
