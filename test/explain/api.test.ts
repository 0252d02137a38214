import { afterAll, beforeAll, expect, test } from 'vitest';
import { classWorkAnswer } from '#libs/explain/class-work.ts';
import { COLUMN_NAMES, columnOf } from '#libs/explain/explanation.ts';
import { type Explanation, explainAnswer } from '#libs/explain/index.ts';
import { whatIfAnswer } from '#libs/explain/what-if.ts';
import type { Api } from '../../services/api/role.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { ask, errorOf, startTestApi } from '../api/support.ts';
import { DatasetWorld } from '../dataset/world.ts';

const NOW = Date.UTC(2026, 4, 20, 14, 30);
const DEADLINE_MS = 600_000;

let world: DatasetWorld;
let api: Api;
beforeAll(async () => {
  world = await DatasetWorld.open('explain');
  await seedCampus(world.source.db, { seed: 'explain', now: NOW, students: 30 });
  await world.begin(NOW, { SOURCE_TIMEZONE: 'UTC', INSTITUTION_TIMEZONE: 'Europe/Paris' }, DEADLINE_MS);
  api = await startTestApi(world.analytics.db);
}, DEADLINE_MS);
afterAll(async () => {
  await api.stop();
  await world.close();
});

interface Key {
  readonly student_id: number;
  readonly course_id: number;
}

/** The key about which most is known, and one that needs attention. */
async function keys(): Promise<Key[]> {
  return world.analytics.db.query<Key>(
    `(SELECT student_id, course_id FROM engagement_features JOIN performance_features USING (student_id, course_id)
      ORDER BY events_count DESC NULLS LAST, student_id, course_id LIMIT 1)
     UNION ALL
     (SELECT student_id, course_id FROM anomaly_features WHERE attention IS NOT NULL
      ORDER BY (attention ->> 'value')::integer DESC, student_id, course_id LIMIT 1)`,
  );
}

async function explanation({ student_id, course_id }: Key, feature: string): Promise<Explanation> {
  const { status, body } = await ask(`${api.url}/api/explain/${student_id}/${course_id}/${feature}`);
  expect([feature, status]).toEqual([feature, 200]);
  return explainAnswer.parse(body);
}

/** The stored value of a column, as JSON. */
async function stored({ student_id, course_id }: Key, table: string, feature: string): Promise<unknown> {
  const day = table === 'temporal_features' ? 'ORDER BY feature_date DESC LIMIT 1' : '';
  const [row] = await world.analytics.db.query<{ value: unknown }>(
    `SELECT to_json(${feature}) AS value FROM ${table} WHERE student_id = $1 AND course_id = $2 ${day}`,
    [student_id, course_id],
  );
  return row?.value;
}

test(
  'every column of a key is explained as it is stored',
  async () => {
    for (const key of await keys())
      for (const feature of COLUMN_NAMES) {
        const answer = await explanation(key, feature);
        const value = await stored(key, columnOf(feature)?.table ?? '', feature);
        const isTime = typeof answer.value === 'string' && /^\d{4}-.*Z$/.test(answer.value);
        if (isTime) expect(Date.parse(String(answer.value))).toBe(Date.parse(String(value)));
        else expect([feature, answer.value]).toEqual([feature, value]);
        expect(answer.definition.name).toBe(feature);
        expect(answer.rows.listed.length).toBe(Math.min(200, answer.rows.count));
      }
  },
  DEADLINE_MS,
);

test('who counts the rows of a count has the count', async () => {
  const [key] = (await keys()) as [Key];
  for (const feature of ['events_count', 'login_count', 'views_7d', 'views_30d', 'forum_posts_count']) {
    const { value, rows } = await explanation(key, feature);
    if (value !== null) expect([feature, rows.count]).toEqual([feature, value]);
  }
});

test('a repeated, an unreadable and a coming row are left out, each with why; the others are listed', async () => {
  const [key] = (await keys()) as [Key];
  const before = await explanation(key, 'events_count');
  const [first] = before.rows.listed;
  const { db } = world.source;
  const copy = (id: string, changes: string) =>
    db.query(
      `INSERT INTO activity_logs SELECT (json_populate_record(a, ('{"id": "${id}", ${changes}}')::json)).* FROM activity_logs AS a WHERE id = $1`,
      [first?.id ?? ''],
    );
  const ids = [1, 2, 3].map((n) => `eeeeeeee-0000-4000-8000-00000000000${n}`) as [string, string, string];
  await copy(ids[0], '"duration_seconds": 0');
  await copy(ids[1], '"duration_seconds": -5');
  await copy(ids[2], '"timestamp": "2026-06-30T12:00:00"');
  await world.settle(DEADLINE_MS);
  const { rows, left_out: out } = await explanation(key, 'events_count');
  const reasons = new Map(out.listed.map(({ id, reason }) => [id, reason]));
  expect(ids.map((id) => reasons.get(id))).toEqual(['duplicate', 'rejected', 'after_as_of']);
  expect(out.listed.find(({ id }) => id === ids[1])?.why).toMatch(/bad_duration: duration_seconds is below 0/);
  expect(rows.count).toBe(before.rows.count);
});

test('of attention it is said what would close it', async () => {
  const [, key] = (await keys()) as [Key, Key];
  const { value, parts, would_change } = await explanation(key, 'attention');
  expect(value).toMatchObject({ method: 'points' });
  expect(parts).toMatchObject({ open_points: 3, close_points: 2 });
  expect(would_change.map(({ effect }) => effect)).toContainEqual(
    expect.stringMatching(/attention (closes|stays open)/),
  );
});

test('what there is not is refused in words', async () => {
  const [{ student_id, course_id }] = (await keys()) as [Key];
  const refused = async (path: string): Promise<ReturnType<typeof errorOf>> => {
    const answer = await ask(`${api.url}/api/explain/${path}`);
    expect(answer.status).toBe(404);
    return errorOf(answer);
  };
  const feature = await refused(`${student_id}/${course_id}/charm`);
  expect(feature.code).toBe('feature_not_found');
  expect(feature.hint).toContain('engagement_score');
  expect((await refused(`999999/${course_id}/avg_grade`)).code).toBe('student_not_found');
  expect((await refused(`${student_id}/999999/avg_grade`)).code).toBe('course_not_found');
  const [stranger] = await world.analytics.db.query<Key>(
    `SELECT s.student_id, c.course_id FROM student AS s CROSS JOIN course AS c
     WHERE NOT EXISTS (SELECT FROM anomaly_features AS a WHERE a.student_id = s.student_id AND a.course_id = c.course_id) LIMIT 1`,
  );
  expect((await refused(`${stranger?.student_id}/${stranger?.course_id}/avg_grade`)).code).toBe('no_features');
});

test('what other settings would make of the list is said, and nothing is saved', async () => {
  const [, { course_id }] = (await keys()) as [Key, Key];
  const open = async (): Promise<number> => {
    const [row] = await world.analytics.db.query<{ open: number }>(
      'SELECT count(*)::integer AS open FROM anomaly_features WHERE course_id = $1 AND attention IS NOT NULL',
      [course_id],
    );
    return row?.open ?? 0;
  };
  const before = await open();
  const whatIf = async (settings: string) => {
    const { status, body } = await ask(`${api.url}/api/what-if?course_id=${course_id}${settings}`);
    expect(status).toBe(200);
    return whatIfAnswer.parse(body);
  };
  const same = await whatIf('');
  expect(same.to_change).toEqual([]);
  expect(same.settings.map(({ setting, now }) => `${setting}=${now}`)).toEqual([
    'ATTENTION_OPEN_POINTS=3',
    'ATTENTION_CLOSE_POINTS=2',
    'ATTENTION_EXPECTED_SHARE=75',
    'ATTENTION_LEAST_CLASS=8',
  ]);
  expect(same.settings.every(({ now, asked }) => now === asked)).toBe(true);
  expect(same.days.map(({ attention_now: now }) => now)).toEqual(same.days.map(({ attention_then }) => attention_then));
  expect(same.days[0]?.attention_now).toBe(before);
  expect(same.days.every(({ enter, leave }) => enter.length + leave.length === 0)).toBe(true);
  const eager = await whatIf('&open_points=1&close_points=1');
  expect(eager.settings[0]).toMatchObject({ parameter: 'open_points', now: 3, asked: 1, least: 1, most: 8 });
  expect(eager.to_change).toEqual(['ATTENTION_OPEN_POINTS=1', 'ATTENTION_CLOSE_POINTS=1']);
  expect(eager.days[0]?.attention_then).toBeGreaterThan(before);
  expect(eager.days[0]?.enter).toHaveLength((eager.days[0]?.attention_then ?? 0) - before);
  const none = await whatIf('&least_class=1000');
  expect(none.days[0]).toMatchObject({ attention_now: before, attention_then: null, enter: [] });
  expect(none.days[0]?.leave).toHaveLength(before);
  expect(await open()).toBe(before);
});

test('one class at a time is judged under other settings; points that close more than they open are refused', async () => {
  const [, { course_id }] = (await keys()) as [Key, Key];
  const path = `${api.url}/api/what-if?course_id=${course_id}`;
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask(`${path}&open_points=2`)));
  const busy = answers.filter(({ status }) => status === 503);
  expect(answers.filter(({ status }) => status === 200).length + busy.length).toBe(6);
  expect(busy.length).toBeGreaterThan(0);
  for (const answer of busy) expect([errorOf(answer).code, answer.headers.get('retry-after')]).toEqual(['busy', '1']);
  const wrong = await ask(`${path}&close_points=5`);
  expect([wrong.status, errorOf(wrong).message]).toEqual([
    400,
    'close_points would be more than open_points (5 and 3)',
  ]);
});

test('who has not handed in what is what the rows say, and as many pieces as missing_work counts', async () => {
  const { db } = world.analytics;
  const courses = await db.query<{ course_id: number; as_of: string }>(
    'SELECT course_id, as_of::text FROM state.course ORDER BY course_id',
  );
  let pieces = 0;
  let flagged = 0;
  for (const { course_id: course, as_of: asOf } of courses) {
    const { status, body } = await ask(`${api.url}/api/metrics/course/${course}/work`);
    expect(status).toBe(200);
    const work = classWorkAnswer.parse(body);
    expect(work.map((each) => each.expected_from)).toEqual(
      work
        .map((each) => each.expected_from)
        .sort()
        .toReversed(),
    );
    const missed = new Map<number, number>();
    for (const { item, source, owed_by: owedBy, missing } of work) {
      expect(source).toBe('submission');
      const done = await db.query<{ student_id: number }>(
        `SELECT DISTINCT student_id FROM state.image_activity_logs WHERE live AND course_id = $1 AND resource_id = $2
          AND activity_type IN ('submission', 'quiz_attempt') AND "timestamp" < extract(epoch FROM ($3::date + 1)::timestamp AT TIME ZONE 'Europe/Paris') * 1000`,
        [course, item, asOf],
      );
      const students = new Set(done.map(({ student_id }) => student_id));
      expect(missing.filter(({ student_id }) => students.has(student_id))).toEqual([]);
      expect(owedBy - missing.length).toBeLessThanOrEqual(students.size);
      for (const { student_id } of missing) missed.set(student_id, (missed.get(student_id) ?? 0) + 1);
      pieces += 1;
    }
    const flags = await db.query<{ student_id: number; value: number }>(
      `SELECT student_id, (missing_work ->> 'value')::integer AS value FROM anomaly_features
        JOIN engagement_features USING (student_id, course_id)
        WHERE course_id = $1 AND missing_work IS NOT NULL AND coalesce(days_inactive, 0) <= 60`,
      [course],
    );
    for (const { student_id, value } of flags)
      expect([course, student_id, missed.get(student_id)]).toEqual([course, student_id, value]);
    flagged += flags.length;
  }
  expect([pieces > 10, flagged > 5]).toEqual([true, true]);
});
