import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMetrics } from '#libs/platform/metrics.ts';
import { METRICS } from '#libs/platform/metrics-table.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, errorOf, insert, startTestApi } from './support.ts';

const metrics = openMetrics();
let analytics: TestDatabase;
let api: Api;
let status: SourceStatus | null = null;

/** Our own lines, without comments. */
async function read(url = api.url): Promise<string[]> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.text()).split('\n').filter((line) => line.startsWith('prepadata_'));
}

/** The lines of one metric, without its name. */
const of = (lines: readonly string[], name: string): string[] =>
  lines.filter((line) => line.split(/[{ ]/)[0] === name).map((line) => line.slice(name.length));

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_prometheus');
  await addPeople(analytics.db, 3, 1);
  api = await startTestApi(analytics.db, { metrics, source: () => status });
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

test('of a database that nothing has written yet', async () => {
  const lines = await read();
  expect(of(lines, 'prepadata_database_up')).toEqual([' 1']);
  expect(of(lines, 'prepadata_up')).toEqual(['{role="api"} 1']);
  for (const name of ['prepadata_marks_waiting', 'prepadata_lag_seconds', 'prepadata_stale_rows'])
    expect(of(lines, name)).toEqual(['{family="engagement"} 0', '{family="performance"} 0', '{family="anomaly"} 0']);
  for (const name of [
    'prepadata_stream_applied',
    'prepadata_stream_phase',
    'prepadata_slot_retained_bytes',
    'prepadata_slot_safe_bytes',
    'prepadata_source_lag_bytes',
    'prepadata_rejected_total',
    'prepadata_outbox_waiting',
  ])
    expect(of(lines, name), name).toEqual([]);
});

test('what waits, lags, is stale, was rejected and is to be sent', async () => {
  const { db } = analytics;
  const mark = { course_id: 1, student_id: 1, priority: 0, committed_at: null };
  await insert(db, 'state.key_mark', {
    ...mark,
    family: 'engagement',
    committed_at: '2026-03-20T11:59:57.250Z',
  });
  await insert(db, 'state.key_mark', { ...mark, family: 'engagement' });
  await insert(db, 'state.key_mark', { ...mark, family: 'performance' });
  await addCourseState(db, 1, '2026-03-20');
  await insert(db, 'performance_features', { student_id: 1, course_id: 1, as_of_date: '2026-03-19' });
  await insert(db, 'stream_progress', {
    stream: 'pgoutput',
    epoch: 4,
    applied: '24696961048',
    phase: 'streaming',
    origin: 'x',
    updated_at: '2026-03-20T11:00:00Z',
  });
  await insert(db, 'state.rejected_total', { source_table: 'grades', reason: 'bad_max', total: '7' });
  await insert(db, 'outbox', {
    topic: 'prepadata.engagement',
    student_id: 1,
    course_id: 1,
    version: 1,
    noted_at: '2026-03-20T11:59:58.500Z',
  });
  await insert(db, 'outbox', { topic: 'prepadata.engagement', student_id: 2, course_id: 1, version: 2 });
  const slot = { name: 'prepadata_4', retainedBytes: 512n, safeBytes: 99n, isEndangered: false };
  status = { state: 'streaming', detail: '', lagBytes: 4096n, slot, heardAt: null };
  // Read twice: what is counted in the database must not add up here.
  for (let i = 0; i < 2; i += 1) {
    const lines = await read();
    expect(of(lines, 'prepadata_marks_waiting')).toEqual([
      '{family="engagement"} 2',
      '{family="performance"} 1',
      '{family="anomaly"} 0',
    ]);
    // The age of performance's oldest mark is unknown.
    expect(of(lines, 'prepadata_lag_seconds')).toEqual(['{family="engagement"} 2.75', '{family="anomaly"} 0']);
    expect(of(lines, 'prepadata_stale_rows')).toEqual([
      '{family="engagement"} 0',
      '{family="performance"} 1',
      '{family="anomaly"} 0',
    ]);
    expect(of(lines, 'prepadata_stream_applied')).toEqual(['{stream="pgoutput"} 24696961048']);
    expect(of(lines, 'prepadata_stream_epoch')).toEqual(['{stream="pgoutput"} 4']);
    expect(of(lines, 'prepadata_stream_phase')).toEqual([
      '{stream="pgoutput",phase="snapshot"} 0',
      '{stream="pgoutput",phase="streaming"} 1',
    ]);
    expect(of(lines, 'prepadata_source_lag_bytes')).toEqual([' 4096']);
    expect(of(lines, 'prepadata_slot_retained_bytes')).toEqual(['{slot="prepadata_4"} 512']);
    expect(of(lines, 'prepadata_slot_safe_bytes')).toEqual(['{slot="prepadata_4"} 99']);
    expect(of(lines, 'prepadata_rejected_total')).toEqual(['{table="grades",reason="bad_max"} 7']);
    expect(of(lines, 'prepadata_rejected_waiting')).toEqual([' 0']);
    expect(of(lines, 'prepadata_outbox_waiting')).toEqual(['{topic="prepadata.engagement"} 2']);
    expect(of(lines, 'prepadata_relay_lag_seconds')).toEqual(['{topic="prepadata.engagement"} 1.5']);
  }
  status = { state: 'waiting', detail: '', lagBytes: null, heardAt: null };
  await db.query('DELETE FROM outbox');
  const lines = await read();
  expect(of(lines, 'prepadata_source_lag_bytes')).toEqual([]);
  expect(of(lines, 'prepadata_outbox_waiting')).toEqual([]);
  expect(of(lines, 'prepadata_relay_lag_seconds')).toEqual([]);
});

test('requests by route, not by path, with their durations', async () => {
  const requests = async (): Promise<Map<string, number>> =>
    new Map(
      of(await read(), 'prepadata_http_requests_total').map((line) => {
        const [labels = '', count] = line.split('} ');
        return [labels.slice(1), Number(count)];
      }),
    );
  const before = await requests();
  for (const path of ['/api/metrics/student/1', '/api/metrics/student/2', '/api/metrics/student/99', '/one', '/two'])
    await ask(api.url + path);
  await ask(`${api.url}/api/metrics/student/x`);
  await ask(`${api.url}/api/students`, { method: 'POST' });
  const after = await requests();
  const grown = [...after].map(([labels, count]) => [labels, count - (before.get(labels) ?? 0)]);
  const route = 'route="/api/metrics/student/{id}"';
  expect(new Map(grown.filter(([, count]) => count !== 0) as [string, number][])).toEqual(
    new Map([
      [`method="GET",${route},status="200"`, 2],
      [`method="GET",${route},status="404"`, 1],
      [`method="GET",${route},status="400"`, 1],
      ['method="GET",route="none",status="404"', 2],
      ['method="POST",route="none",status="405"', 1],
      ['method="GET",route="/metrics",status="200"', 1],
    ]),
  );
  const durations = await read();
  expect(of(durations, 'prepadata_http_request_duration_seconds_count')).toContain(
    `{method="GET",${route},status="200"} 2`,
  );
});

test('what other roles of the process count is there too', async () => {
  expect(of(await read(), 'prepadata_activity_other_total')).toEqual([' 0']);
  metrics.of.prepadata_activity_other_total.inc({});
  metrics.of.prepadata_activity_other_total.inc({}, 3);
  metrics.of.prepadata_unreadable_due_dates_total.inc({}, 2);
  metrics.of.prepadata_up.set({ role: 'engagement' }, 1);
  const lines = await read();
  expect(of(lines, 'prepadata_activity_other_total')).toEqual([' 4']);
  expect(of(lines, 'prepadata_unreadable_due_dates_total')).toEqual([' 2']);
  expect(of(lines, 'prepadata_up')).toEqual(['{role="api"} 1', '{role="engagement"} 1']);
});

test('the process is measured, and every metric of ours says what it is', async () => {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
    expect(text).toContain(`\n${name} `);
  for (const [name, { kind, help }] of Object.entries(METRICS)) {
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    expect(name.endsWith('_total'), name).toBe(kind === 'counter');
  }
});

test('many who ask at once all see whole readings', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => read()));
  for (const lines of all) {
    expect(of(lines, 'prepadata_marks_waiting')).toHaveLength(3);
    expect(of(lines, 'prepadata_rejected_total')).toEqual(['{table="grades",reason="bad_max"} 7']);
  }
});

test('an API that is given no metrics opens its own', async () => {
  const other = await startTestApi(analytics.db);
  try {
    const lines = await read(other.url);
    expect(of(lines, 'prepadata_marks_waiting')).toEqual([
      '{family="engagement"} 2',
      '{family="performance"} 1',
      '{family="anomaly"} 0',
    ]);
    expect(of(lines, 'prepadata_activity_other_total')).toEqual([' 0']);
  } finally {
    await other.stop();
  }
});

test('with tokens it asks for one, and it takes no parameters', async () => {
  const guarded = await startTestApi(analytics.db, { tokens: ['secret'] });
  try {
    expect((await ask(`${guarded.url}/metrics`)).status).toBe(401);
    const allowed = await fetch(`${guarded.url}/metrics`, { headers: { authorization: 'Bearer secret' } });
    expect(allowed.status).toBe(200);
    expect(await allowed.text()).toContain('prepadata_database_up 1');
  } finally {
    await guarded.stop();
  }
  const answer = await ask(`${api.url}/metrics?name=x`);
  expect(answer.status).toBe(400);
  expect(errorOf(answer).code).toBe('unknown_parameter');
  const head = await fetch(`${api.url}/metrics`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('a role that has stopped is down', async () => {
  const own = openMetrics();
  const stopped = await startTestApi(analytics.db, { metrics: own });
  await stopped.stop();
  expect(await own.text([])).toContain('\nprepadata_up{role="api"} 0\n');
});
