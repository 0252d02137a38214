import { afterAll, beforeAll, expect, test } from 'vitest';
import { openZone } from '#libs/domain/zone.ts';
import { freshnessAnswer } from '#libs/serve/freshness.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { advanceProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, insert, insertAll, NOW, serveWhile, startTestApi } from './support.ts';

let analytics: TestDatabase;
let api: Api;
let status: SourceStatus | null = null;

const freshness = async () => {
  const answer = await ask(`${api.url}/api/freshness`);
  expect(answer.status).toBe(200);
  return freshnessAnswer.parse(answer.body);
};

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_freshness');
  api = await startTestApi(analytics.db, { source: () => status });
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

test('a database that nothing has written yet: nothing waits, nothing is claimed', async () => {
  const idle = {
    marks_waiting: 0,
    oldest_mark_committed_at: null,
    keys_set_aside: 0,
    as_of: { courses: 0, stale_rows: 0 },
  };
  expect(await freshness()).toEqual({
    today: null,
    streams: [],
    instances: [],
    connectors: [],
    troubles: [],
    source: null,
    lag_ms: { engagement: 0, performance: 0, anomaly: 0 },
    roles: { engagement: idle, performance: idle, anomaly: idle },
    rejected: { total: 0, by_table_and_reason: [] },
    rejected_waiting: 0,
    reconcile: null,
    feature_version: null,
    settings: null,
    time_zone: null,
    time_zones: [],
  });
});

test('streams as Postgres writes their positions', async () => {
  const { db } = analytics;
  const epoch = await openProgressStore(db).beginEpoch('pgoutput', 'test', 'first start');
  const before = await freshness();
  expect(before.streams).toMatchObject([{ stream: 'pgoutput', phase: 'snapshot', committed_at: null }]);
  const committedAt = Date.parse('2026-03-20T11:59:58.125Z');
  await advanceProgress(db, { stream: 'pgoutput', epoch, applied: 0x16_b374d848n }, true, committedAt);
  const { streams } = await freshness();
  expect(streams).toEqual([
    {
      stream: 'pgoutput',
      epoch,
      phase: 'streaming',
      applied: '16/B374D848',
      committed_at: '2026-03-20T11:59:58.125Z',
      updated_at: expect.stringMatching(/Z$/),
    },
  ]);
});

test('zones, and from when on this Node knows them otherwise than the database', async () => {
  const { db } = analytics;
  const described = { SOURCE_TIMEZONE: 'America/Vancouver', INSTITUTION_TIMEZONE: 'Asia/Kolkata' };
  await db.query(`INSERT INTO state.settings (fingerprint, described) VALUES ('of these', $1)`, [
    JSON.stringify(described),
  ]);
  const winter = Date.parse('2027-01-15T12:00:00Z');
  const [row] = await db.query<{ shift: number }>(
    `SELECT extract(epoch FROM t AT TIME ZONE 'America/Vancouver' - t AT TIME ZONE 'UTC')::integer AS shift
     FROM (SELECT to_timestamp($1) AS t)`,
    [winter / 1000],
  );
  const differs = openZone('America/Vancouver').offsetAt(winter) !== (row?.shift ?? 0) * 1000;
  const { time_zone, time_zones: zones, settings, feature_version } = await freshness();
  expect({ settings, feature_version }).toEqual({ settings: 'of these', feature_version: 1 });
  expect(time_zone).toBe('Asia/Kolkata');
  expect(zones).toEqual([
    { name: 'America/Vancouver', node_differs_from: differs ? expect.stringMatching(/^202[67]-/) : null },
    { name: 'Asia/Kolkata', node_differs_from: null },
  ]);
  await db.query('DELETE FROM state.settings');
});

test('the source of this process, with null for what it does not know', async () => {
  status = { state: 'waiting', detail: 'the server is away', lagBytes: null, heardAt: null };
  expect((await freshness()).troubles).toEqual(['the server is away']);
  expect((await freshness()).source).toEqual({
    state: 'waiting',
    detail: 'the server is away',
    snapshot: null,
    lag_bytes: null,
    lag_records: null,
    slot: null,
    heard_at: null,
  });
  status = {
    state: 'snapshot',
    detail: 'reading',
    snapshot: { rows: 10, estimatedRows: 99.5 },
    lagBytes: 4096n,
    slot: { name: 'prepadata_1', retainedBytes: 1024n, safeBytes: -1n, isEndangered: true },
    heardAt: NOW,
  };
  expect((await freshness()).source).toEqual({
    state: 'snapshot',
    detail: 'reading',
    snapshot: { rows: 10, estimated_rows: 100 },
    lag_bytes: 4096,
    lag_records: null,
    slot: { name: 'prepadata_1', retained_bytes: 1024, safe_bytes: 0 },
    heard_at: '2026-03-20T12:00:00.000Z',
  });
  status = null;
});

test('what other processes do not take in', async () => {
  await serveWhile(analytics.db, { roles: ['engagement'] }, async ({ url }) => {
    const { troubles } = freshnessAnswer.parse((await ask(`${url}/api/freshness`)).body);
    expect(troubles).toEqual(['no process of the role engagement is heard of: each reports every 2 s']);
  });
});

test('what waits, and since when: 0 when nothing does, null when no time is known', async () => {
  const { db } = analytics;
  const mark = { family: 'engagement', course_id: 1, student_id: 1, priority: 0 };
  await insert(db, 'state.key_mark', { ...mark, committed_at: '2026-03-20T11:59:59.500Z' });
  await insert(db, 'state.key_mark', { ...mark, committed_at: '2026-03-20T11:59:57.250Z' });
  await insert(db, 'state.key_mark', { ...mark, priority: 2 });
  await insert(db, 'state.key_mark', { ...mark, family: 'performance', priority: 1 });
  const { lag_ms, roles } = await freshness();
  expect(lag_ms).toEqual({ engagement: 2750, performance: null, anomaly: 0 });
  expect(roles['engagement']).toMatchObject({
    marks_waiting: 3,
    oldest_mark_committed_at: '2026-03-20T11:59:57.250Z',
  });
  expect(roles['performance']).toMatchObject({ marks_waiting: 1, oldest_mark_committed_at: null });
  await db.query('DELETE FROM state.key_mark');
  await insert(db, 'state.key_mark', { ...mark, committed_at: '2026-03-20T12:00:01Z' });
  expect((await freshness()).lag_ms).toEqual({ engagement: 0, performance: 0, anomaly: 0 });
});

test('courses and rows that a rollover has not reached, per family', async () => {
  const { db } = analytics;
  await addPeople(db, 3, 3);
  await db.query("INSERT INTO state.calendar (today) VALUES ('2026-03-21')");
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-03-10');
  for (const [student_id, course_id, as_of_date] of [
    [1, 1, '2026-03-20'],
    [2, 1, '2026-03-19'],
    [3, 1, '2026-03-18'],
    [1, 2, '2026-03-10'],
    [1, 3, '2026-03-01'],
  ]) {
    await insert(db, 'engagement_features', { student_id, course_id, as_of_date });
  }
  await insert(db, 'performance_features', { student_id: 1, course_id: 1, graded_items: 0 });
  // The rollover marks keys; one that is set aside has no mark any more.
  await insertAll(db, 'state.key_mark', [
    { family: 'engagement', student_id: 1, course_id: 1, priority: 2 },
    { family: 'engagement', student_id: 2, course_id: 1, priority: 2 },
  ]);
  await insert(db, 'state.key', { family: 'engagement', student_id: 3, course_id: 1, set_aside: 'a bug' });
  const { today, roles } = await freshness();
  expect(today).toBe('2026-03-21');
  expect(roles['engagement']?.as_of).toEqual({ courses: 3, stale_rows: 2 });
  expect(roles['performance']?.as_of).toEqual({ courses: 1, stale_rows: 0 });
});

test('rejections ever, by table and reason, and those that stand', async () => {
  const { db } = analytics;
  await insert(db, 'state.rejected_total', { source_table: 'grades', reason: 'bad_max', total: '3' });
  await insert(db, 'state.rejected_total', { source_table: 'enrollments', reason: 'no_course', total: '40' });
  await insert(db, 'rejected_change', {
    origin: 'grades:x',
    source_table: 'grades',
    epoch: 1,
    lsn: '1',
    reason: 'bad_max',
    payload: '{}',
    rejected_at: '2026-03-20T08:00:00Z',
  });
  const { rejected, rejected_waiting } = await freshness();
  expect(rejected).toEqual({
    total: 43,
    by_table_and_reason: [
      { source_table: 'enrollments', reason: 'no_course', total: 40 },
      { source_table: 'grades', reason: 'bad_max', total: 3 },
    ],
  });
  expect(rejected_waiting).toBe(1);
});
