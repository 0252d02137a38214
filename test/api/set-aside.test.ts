import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMetrics } from '#libs/platform/metrics.ts';
import { NO_ORIGIN } from '#libs/store/keys/marks.ts';
import { setKeyAside } from '#libs/store/keys/set-aside.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { ask, insert, startTestApi } from './support.ts';

let analytics: TestDatabase;
let api: Api;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_set_aside');
  api = await startTestApi(analytics.db, { metrics: openMetrics() });
  for (const [student_id, course_id] of [
    [9, 1],
    [3, 2],
    [4, 1],
  ])
    await insert(analytics.db, 'state.key', { family: 'engagement', student_id, course_id });
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const gauge = async (): Promise<string[]> =>
  (await (await fetch(`${api.url}/metrics`)).text())
    .split('\n')
    .filter((line) => /^prepadata_keys_set_aside/.test(line));

test('keys that cannot be derived are in every sight', async () => {
  expect(await ask(`${api.url}/api/ready`)).toMatchObject({ status: 200 });
  for (const [studentId, courseId] of [
    [9, 1],
    [3, 2],
  ] as const) {
    const key = { ...NO_ORIGIN, studentId, courseId, position: { epoch: 2, lsn: 255n } };
    await analytics.db.transaction((tx) => setKeyAside(tx, 'engagement', key, new RangeError('too \0 deep')));
  }
  expect(await ask(`${api.url}/api/ready`)).toMatchObject({
    status: 503,
    body: {
      reasons: [
        'engagement: student 3 in course 2 and 1 more are set aside, since the features cannot be derived; GET /api/rejected says why',
      ],
    },
  });
  const { body } = await ask(`${api.url}/api/rejected`);
  expect(body).toHaveLength(2);
  expect(body).toContainEqual(
    expect.objectContaining({
      origin: 'engagement_features:3/2',
      source_table: 'engagement_features',
      source_id: null,
      position: '2:0/FF',
      reason: 'internal_error',
      payload: '{"student_id":3,"course_id":2,"error":"too   deep"}',
    }),
  );
  expect(await ask(`${api.url}/api/freshness`)).toMatchObject({
    body: {
      roles: { engagement: { keys_set_aside: 2 }, performance: { keys_set_aside: 0 } },
      rejected: { by_table_and_reason: [{ source_table: 'engagement_features', reason: 'internal_error', total: 2 }] },
      rejected_waiting: 2,
    },
  });
  expect(await gauge()).toContain('prepadata_keys_set_aside{family="engagement"} 2');
  expect(await gauge()).toContain('prepadata_keys_set_aside{family="performance"} 0');
});
