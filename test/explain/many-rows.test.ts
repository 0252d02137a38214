import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { explainAnswer } from '#libs/explain/index.ts';
import { openSettings } from '#libs/families/settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { addCourseState, addPeople, ask, NOW, serveWhile } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

/* A key with very many rows is explained in an answer of bounded size. */

const ROWS = 100_000;

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('explain_many_rows');
  const { db } = analytics;
  await adoptFirstSettings(db, await openSettings(loadConfig({}), db));
  await beginCalendar(db, Math.floor(NOW / MS_PER_DAY));
  await addPeople(db, 1, 1);
  await addCourseState(db, 1, '2026-03-20');
  await db.query(
    `INSERT INTO state.image_activity_logs (id, epoch, lsn, live, student_id, course_id, activity_type, resource_id, "timestamp")
     SELECT gen_random_uuid(), 1, n, true, 1, 1, 'view', 'page ' || n % 100,
       $1::bigint - n::bigint * 60000
     FROM generate_series(1, $2::integer) AS n`,
    [NOW, ROWS],
  );
});
afterAll(() => analytics.drop());

test('all rows are counted, and of each kind 200 are listed', { timeout: 300_000 }, async () => {
  await serveWhile(analytics.db, {}, async ({ url }) => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    for (const [feature, least] of [
      ['events_count', ROWS],
      ['engagement_score', 9_000],
    ] as const) {
      globalThis.gc?.();
      const [began, cpu] = [performance.now(), process.cpuUsage()];
      delay.reset();
      delay.enable();
      const { status, body } = await ask(`${url}/api/explain/1/1/${feature}`);
      delay.disable();
      const { user, system } = process.cpuUsage(cpu);
      const { rows, left_out } = explainAnswer.parse(body);
      expect(status).toBe(200);
      expect(rows.count + left_out.count).toBeGreaterThanOrEqual(least);
      for (const { count, listed } of [rows, left_out]) expect(listed).toHaveLength(Math.min(200, count));
      if (process.env['FIGURES'] !== undefined)
        console.log(
          feature,
          status,
          rows.count,
          left_out.count,
          JSON.stringify(body).length,
          `wall ${Math.round(performance.now() - began)} ms, CPU ${Math.round((user + system) / 1000)} ms, longest stall ${Math.round(delay.max / 1e6)} ms, heap ${Math.round(process.memoryUsage().heapUsed / 1e6)} MB, rss ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
        );
    }
  });
});
