import { afterAll, beforeAll, expect, test } from 'vitest';
import { retain, startRetention } from '#libs/pipeline/retention.ts';
import { openLog } from '#libs/platform/log.ts';
import { addPeople, uuid } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { erase } from './support.ts';

let analytics: TestDatabase;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('retention');
});
afterAll(() => analytics.drop());

test('of rows that cannot be read the contents go in their time; that they cannot be read stays listed', async () => {
  const { db } = analytics;
  await db.query(
    `INSERT INTO rejected_change (origin, source_table, epoch, lsn, reason, payload, rejected_at)
     SELECT 'grades:' || n, 'grades', 1, n, 'grade_not_a_number', '{"grade_value":"x"}', now() - n * interval '1 day'
     FROM unnest(ARRAY[89, 91, 400]) AS n`,
  );
  const rows = () => db.query('SELECT origin, payload FROM rejected_change ORDER BY lsn');
  expect(await retain(db, { rejectedDays: null, runsDays: null })).toEqual({ rejected: 0, runs: 0, ofErased: 0 });
  expect(await rows()).toHaveLength(3);
  expect(await retain(db, { rejectedDays: 90, runsDays: null })).toMatchObject({ rejected: 2 });
  expect(await rows()).toEqual([
    { origin: 'grades:89', payload: '{"grade_value":"x"}' },
    { origin: 'grades:91', payload: '' },
    { origin: 'grades:400', payload: '' },
  ]);
  expect(await retain(db, { rejectedDays: 90, runsDays: null })).toMatchObject({ rejected: 0 });
});

test('what a run that had begun before says of a student who was erased meanwhile goes, and what names others stays', async () => {
  const { db } = analytics;
  await addPeople(db, 2, 1);
  await erase(db, uuid('a', 1));
  const example = (where: string, key: string) => ({ where, kind: 'differs', key, expected: null, found: null });
  const examples = [
    example('engagement_features', '1/1'),
    example('students', uuid('a', 1)),
    example('students', uuid('a', 2)),
    example('grades', uuid('e', 1)),
  ];
  await db.query(
    `INSERT INTO pipeline_logs (run_id, pipeline_name, status, completed_at, details)
     VALUES (gen_random_uuid(), 'reconcile', 'succeeded', now(), jsonb_build_object('verdict', jsonb_build_object('examples', $1::jsonb)))`,
    [JSON.stringify(examples)],
  );
  await db.query("INSERT INTO state.key (family, course_id, student_id) VALUES ('anomaly', 1, 1), ('anomaly', 1, 2)");
  expect(await retain(db, { rejectedDays: null, runsDays: null })).toMatchObject({ ofErased: 2 });
  const [log] = await db.query<{ keys: string[] }>(
    "SELECT ARRAY(SELECT e ->> 'key' FROM jsonb_array_elements(details #> '{verdict,examples}') AS e) AS keys FROM pipeline_logs",
  );
  expect(log?.keys).toEqual([uuid('a', 2), uuid('e', 1)]);
  expect(await db.query('SELECT student_id FROM state.key')).toEqual([{ student_id: 2 }]);
  await db.query('TRUNCATE pipeline_logs');
});

test('runs that have ended go in their time, with their logs; the newest, and the newest whole reconcile, stay', async () => {
  const { db } = analytics;
  const add = (days: number, status: string, scope = '{}') =>
    db.query(
      `WITH run AS (
         INSERT INTO state.pipeline_run (mode, scope, dry_run, requested_by, status, requested_at, finished_at)
         VALUES ('reconcile', $3::text::jsonb, false, 'schedule', $2, now() - $1::integer * interval '1 day', now() - $1::integer * interval '1 day')
         RETURNING *
       )
       INSERT INTO pipeline_logs (run_id, pipeline_name, status, completed_at, details)
       SELECT run_id, mode, status, finished_at, jsonb_build_object('days', $1::integer) FROM run`,
      [days, status, scope],
    );
  for (const days of [500, 480]) await add(days, 'succeeded');
  await add(470, 'failed');
  await add(460, 'succeeded', '{"course_id": 1}');
  await add(450, 'cancelled');
  const left = async () => ({
    runs: (await db.query('SELECT FROM state.pipeline_run')).length,
    logs: (
      await db.query<{ days: number }>("SELECT (details ->> 'days')::integer AS days FROM pipeline_logs ORDER BY 1")
    ).map((row) => row.days),
  });
  expect(await retain(db, { rejectedDays: null, runsDays: 501 })).toMatchObject({ runs: 0 });
  expect(await retain(db, { rejectedDays: null, runsDays: 365 })).toMatchObject({ runs: 3 });
  expect(await left()).toEqual({ runs: 2, logs: [450, 480] });
  await add(1, 'succeeded');
  const keeping = startRetention({ db, retention: { rejectedDays: null, runsDays: 365 }, log: openLog('silent') });
  await expect.poll(left).toEqual({ runs: 1, logs: [1] });
  await keeping.stop();
});
