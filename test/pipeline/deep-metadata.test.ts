import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Clock } from '#libs/domain/clock.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { startTestPipeline, type TestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';

const NOON: Clock = { now: () => Date.parse('2026-03-20T12:00:00Z') };
const STUDENT = '00000000-0000-4000-8000-000000000001';
const COURSE = '00000000-0000-4000-8000-0000000000c1';
/** As deep as Postgres accepts without risking its own stack. */
const DEPTH = 4_000;

let source: TestDatabase;
let analytics: TestDatabase;
let pipeline: TestPipeline;
beforeAll(async () => {
  source = await createSourceDatabase('deep_source', LAX_SOURCE_SCHEMA);
  analytics = await createAnalyticsDatabase('deep_analytics');
  pipeline = await startTestPipeline({
    source: source.address,
    analytics: analytics.db,
    settings: testSettings(),
    clock: NOON,
  });
});
afterAll(async () => {
  await pipeline.stop();
  await Promise.all([source.drop(), analytics.drop()]);
});

async function write(resource: string, type: string, metadata: string): Promise<void> {
  await source.db.query(
    `INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, timestamp, metadata)
     VALUES (gen_random_uuid(), $1, $2, $3, $4, '2026-03-20 10:00', $5)`,
    [STUDENT, COURSE, type, resource, metadata],
  );
}

test('metadata as deep and as large as Postgres takes holds up nothing', async () => {
  const lists = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
  const objects = `${'{"x":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;
  await write('r1', 'view', lists);
  await write('r2', 'view', `{"event_id": ${lists}}`);
  await write('r3', 'submission', `{"due_at": ${objects}, "event_id": ${objects}}`);
  await write('r4', 'completion', `{"state": 1, "more": ${objects}}`);
  await write('r5', 'completion', `{"state": ${lists}}`);
  await write('r6', 'view', JSON.stringify({ text: 'x'.repeat(20_000_000) }));
  await untilSettled(source.db, analytics.db);
  expect(
    await analytics.db.query('SELECT events_count, submissions_count, activities_completed FROM engagement_features'),
  ).toEqual([{ events_count: 4, submissions_count: 1, activities_completed: 1 }]);
  expect(await analytics.db.query('SELECT reason FROM rejected_change')).toEqual([{ reason: 'bad_completion_state' }]);
  const [images] = await analytics.db.query<{ longest: number }>(
    'SELECT max(length(metadata)) AS longest FROM state.image_activity_logs',
  );
  expect(images?.longest).toBeLessThan(9_000);
});
