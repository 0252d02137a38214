import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refuseNullableDefaults } from '../../connectors/defaults.ts';
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

test('a default is refused where NULL is possible, and nowhere else', async () => {
  await client.query('ALTER TABLE grades ALTER grade_max SET NOT NULL, ALTER grade_max SET DEFAULT 20');
  await client.query(`ALTER TABLE students ADD COLUMN house text DEFAULT 'none'`);
  await refuseNullableDefaults(client, 'public');
  await client.query('ALTER TABLE enrollments ALTER enrolled_at SET DEFAULT now()');
  await client.query('ALTER TABLE grades ALTER grade_value SET DEFAULT 0');
  const refusal = refuseNullableDefaults(client, 'public');
  await expect(refusal).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('enrollments.enrolled_at, grades.grade_value may be NULL') as string,
    hint: expect.stringContaining('ALTER TABLE "public"."grades" ALTER COLUMN "grade_value" DROP DEFAULT;') as string,
  });
});
