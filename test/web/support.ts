import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Database } from '#libs/platform/postgres/database.ts';
import { addCourseState, addPeople, insertAll, startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase } from '../support/database.ts';

/** Debian's; CHROMIUM names another. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Without a browser the pages cannot be tested: fine on a machine that has none, but not where everything must pass. */
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser && process.env['CI'] !== undefined)
  throw new Error(
    `there is no ${CHROMIUM}: install Debian's package chromium, or set CHROMIUM to where the browser is`,
  );

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

/** For what a page shows in its own time, on a busy machine. */
export const EVENTUALLY = { timeout: 60_000 };

export interface OpenPage {
  readonly page: Page;
  /** The errors that the page reported. */
  readonly errors: readonly string[];
}

/** A page in its own browser context, which is discarded with it. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ locale: 'en', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(EVENTUALLY.timeout);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // The page itself says in words what cannot be fetched; the browser reports it as well.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}

export const AS_OF = '2026-03-20';

const attention = (value: number, since: string): object => ({
  since,
  value,
  baseline: 0,
  threshold: 3,
  method: 'points',
  severity: value >= 5 ? 'high' : value === 4 ? 'medium' : 'low',
  reasons: [{ reason: 'absent', points: value }],
});

const absent = { since: '2026-03-10', value: 2, baseline: 12, threshold: 6, method: 'class_days', severity: 'medium' };

/**
 * Course 1 has `students`, of whom the first three need attention; course 2 has one student, course 3 none.
 * @param students at least 5
 */
export async function seedSchool(db: Database, students: number): Promise<void> {
  await addPeople(db, students, 3);
  for (const course of [1, 2, 3]) await addCourseState(db, course, AS_OF);
  const ids = Array.from({ length: students }, (_, index) => index + 1);
  const keys = [...ids.map((student_id) => ({ student_id, course_id: 1 })), { student_id: 1, course_id: 2 }];
  await insertAll(
    db,
    'engagement_features',
    keys.map((key) => ({
      ...key,
      enrolled_at: '2026-01-01T08:00:00Z',
      engagement_score: (key.student_id * 7) % 101,
      days_inactive: key.student_id === 1 ? 6 : 0,
      submissions_count: 5,
      late_submissions: key.student_id === 1 ? 2 : 0,
      last_activity_at: '2026-03-14T08:00:00Z',
      active_days_30d: 14,
      as_of_date: AS_OF,
    })),
  );
  await insertAll(
    db,
    'performance_features',
    keys.map((key) => ({ ...key, avg_grade: 40 + (key.student_id % 50), success_rate: 80, as_of_date: AS_OF })),
  );
  await insertAll(
    db,
    'anomaly_features',
    keys.map((key) => {
      const isOpen = key.course_id === 1 && key.student_id <= 3;
      return {
        ...key,
        as_of_date: AS_OF,
        attention: isOpen ? attention(7 - key.student_id, '2026-03-14') : null,
        absent: isOpen ? absent : null,
      };
    }),
  );
  const days = Array.from({ length: 60 }, (_, index) => index);
  await db.query(
    `INSERT INTO state.engagement_series (student_id, course_id, first_day, score, ma7, ma30, trend, events)
     SELECT student_id, 1, $2::date - 59, $3, $3, $3, $3, $3 FROM unnest($1::integer[]) AS student_id`,
    [ids, AS_OF, days.map((day) => 2_000 + 50 * day)],
  );
  await db.query(
    `INSERT INTO stream_progress (stream, epoch, phase, origin, applied, committed_at, updated_at)
     VALUES ('pgoutput', 1, 'streaming', 'test', 1, $1, $1)`,
    [`${AS_OF}T11:59:59Z`],
  );
}

/** A school in its own database, served, with a browser to view it. */
export interface OpenSchool {
  readonly db: Database;
  readonly url: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

interface SchoolOptions {
  /** As in {@link seedSchool}. */
  readonly students?: number;
  /** Whether the API hears of changes. */
  readonly isLive?: boolean;
  /** Further preparation before it is served. */
  prepare?(db: Database): Promise<void>;
}

export async function openSchool(purpose: string, options: SchoolOptions = {}): Promise<OpenSchool> {
  const { students = 5, isLive = false, prepare } = options;
  const analytics = await createAnalyticsDatabase(purpose);
  const { db, address } = analytics;
  await seedSchool(db, students);
  await prepare?.(db);
  const api = await startTestApi(db, isLive ? { address } : {});
  const browser = await openBrowser();
  return {
    db,
    url: api.url,
    browser,
    close: async () => {
      await browser.close();
      await api.stop();
      await analytics.drop();
    },
  };
}
