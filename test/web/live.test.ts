import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '#libs/domain/clock.ts';
import type { Api } from '../../services/api/role.ts';
import { startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { startTestPipeline, type TestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';
import { EVENTUALLY, hasBrowser, openBrowser, openPage } from './support.ts';

const NOON: Clock = { now: () => Date.parse('2026-03-20T12:00:00Z') };
const STUDENT = '00000000-0000-4000-8000-000000000001';
const COURSE = '00000000-0000-4000-8000-0000000000c1';

/**
 * For servers that push nothing, the page polls every few seconds; here polling always gives the same answer, and the
 * page cannot reconnect. So any change it shows was pushed to it.
 */
async function withoutPolling(page: Page): Promise<void> {
  let first: string | undefined;
  await page.route('**/api/freshness', async (route) => {
    first ??= await (await route.fetch()).text();
    await route.fulfill({ contentType: 'application/json', body: first });
  });
  let isConnected = false;
  await page.route('**/api/events', (route) => {
    const again = isConnected;
    isConnected = true;
    return again ? route.abort() : route.continue();
  });
}

describe.skipIf(!hasBrowser)('what is committed shows on the open page', () => {
  let source: TestDatabase;
  let analytics: TestDatabase;
  let pipeline: TestPipeline;
  let api: Api;
  let browser: Browser;

  const addLogin = (time: string): Promise<object[]> =>
    source.db.query(
      `INSERT INTO activity_logs (id, student_id, course_id, activity_type, timestamp)
       VALUES (gen_random_uuid(), $1, $2, 'login', $3)`,
      [STUDENT, COURSE, time],
    );

  beforeAll(async () => {
    source = await createSourceDatabase('web_live_source', LAX_SOURCE_SCHEMA);
    analytics = await createAnalyticsDatabase('web_live');
    const databases = { source: source.address, analytics: analytics.db };
    pipeline = await startTestPipeline({ ...databases, settings: testSettings(), clock: NOON });
    api = await startTestApi(analytics.db, { address: analytics.address });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await api.stop();
    await pipeline.stop();
    await Promise.all([source.drop(), analytics.drop()]);
  });

  test('an empty school says so, and its first row makes a course of it; in two tabs', async () => {
    const { page, errors } = await openPage(browser, `${api.url}/`);
    await page.getByText('There is no course yet.').waitFor();
    await addLogin('2026-03-19 10:00');
    await page.getByRole('link', { name: 'Course 1' }).waitFor();
    await untilSettled(source.db, analytics.db);
    const second = await page.context().newPage();
    await withoutPolling(second);
    await second.goto(`${api.url}/#/course/1/student/1`);
    const days = second.locator('dl.facts > div', { hasText: 'Active days in 30' }).locator('dd');
    await expect.poll(() => days.innerText(), EVENTUALLY).toBe('1');
    await second.getByText('Changes appear by themselves.').waitFor();
    await addLogin('2026-03-18 10:00');
    await expect.poll(() => days.innerText(), EVENTUALLY).toBe('2');
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
