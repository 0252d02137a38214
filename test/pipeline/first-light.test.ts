import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Change } from '#libs/domain/change.ts';
import { parseDay } from '#libs/domain/local-date.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';

const STUDENT = '00000000-0000-4000-8000-000000000001';
const COURSE = '00000000-0000-4000-8000-0000000000c1';
const settings = testSettings();
let analytics: TestDatabase;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('pipeline');
  await beginCalendar(analytics.db, parseDay('2026-03-20'));
});
afterAll(() => analytics.drop());

const row = (n: number): string => `10000000-0000-4000-8000-00000000000${n}`;
const at = (text: string): number => Date.parse(`${text}Z`);

test('committed rows become features', async () => {
  const key = { student_id: STUDENT, course_id: COURSE };
  const activity = (n: number, type: string, time: string): Change => ({
    table: 'activity_logs',
    op: 'create',
    id: row(n),
    position: { epoch: 1, lsn: BigInt(n) },
    committedAt: at('2026-03-20T12:00:00'),
    after: {
      ...key,
      activity_type: type,
      resource_id: null,
      duration_seconds: null,
      timestamp: at(time),
      metadata: null,
    },
  });
  await stageBatch(
    analytics.db,
    {
      changes: [
        activity(1, 'login', '2026-03-20T08:00:00'),
        activity(2, 'last_access', '2026-03-20T08:00:00'),
        activity(3, 'view', '2026-03-19T08:00:00'),
        {
          table: 'grades',
          op: 'create',
          id: row(4),
          position: { epoch: 1, lsn: 4n },
          after: {
            ...key,
            grade_item: 'Essay',
            grade_value: '62.5',
            grade_max: '75',
            timestamp: at('2026-03-18T10:00:00'),
          },
        },
      ],
    },
    settings.reading,
  );
  await deriveAll(analytics.db, settings);
  const rows = await analytics.db.query<Record<string, unknown>>('SELECT * FROM student_metrics');
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({
    events_count: 2,
    active_days_7d: 2,
    login_count_7d: 1,
    days_inactive: 0,
    avg_grade: '83.33',
    latest_grade: '83.33',
    graded_items: 1,
    // The grade's day begins the key: it was the last change to move the engagement means.
    engagement_source_position: '1:0/4',
  });
});
