import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { type Forwarder, startForwarder } from '../api/forwarder.ts';
import { ask, insertAll, startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { EVENTUALLY, hasBrowser, openBrowser, openPage, seedSchool } from './support.ts';

const TOKEN = 'correct-horse';

describe.skipIf(!hasBrowser)('on a bad day the page says so, and stays usable', () => {
  let analytics: TestDatabase;
  let forwarder: Forwarder;
  let db: Database;
  let api: Api;
  let browser: Browser;

  beforeAll(async () => {
    analytics = await createAnalyticsDatabase('web_bad_days');
    await seedSchool(analytics.db, 5);
    forwarder = await startForwarder(analytics.address);
    db = openDatabase({ ...analytics.address, host: '127.0.0.1', port: forwarder.port }, { connections: 4 });
    api = await startTestApi(db);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await api.stop();
    await db.close();
    await forwarder.cut();
    await analytics.drop();
  });

  test('the database is away, and comes back', async () => {
    const { page, errors } = await openPage(browser, `${api.url}/#/course/1`);
    await page.getByText('3 students need you.').waitFor();
    await page.getByText('Up to date.').waitFor();
    await forwarder.cut();
    await page.getByText('The database does not answer.').first().waitFor();
    expect(await page.locator('.people > li').count()).toBe(3);
    await page.getByText('What you see is as of').waitFor();
    await forwarder.fix();
    await page.getByText('Up to date.').waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the server is started again under an open page', async () => {
    const { page, errors } = await openPage(browser, `${api.url}/#/course/1`);
    await page.getByText('3 students need you.').waitFor();
    const { port } = api;
    await api.stop();
    await page.getByText('The server does not answer.').first().waitFor();
    expect(await page.locator('.people > li').count()).toBe(3);
    api = await startTestApi(db, { port });
    await page.getByText('Up to date.').waitFor();
    await page.getByRole('link', { name: 'Student 2' }).first().click();
    await page.getByRole('heading', { name: 'Over time' }).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a token is asked for, a wrong one refused, and the right one kept in its tab alone', async () => {
    const guarded = await startTestApi(db, { tokens: [TOKEN] });
    const { page, errors } = await openPage(browser, `${guarded.url}/`);
    const enter = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token);
      await page.getByRole('button', { name: 'Use it' }).click();
    };
    await page.getByText('This service asks for a token.').waitFor();
    await enter('wrong');
    await page.getByText('The token was refused.').waitFor();
    await enter(TOKEN);
    await page.getByRole('link', { name: 'Course 1' }).waitFor();
    expect(await page.evaluate('[location.href, document.cookie, JSON.stringify(localStorage)].join()')).not.toContain(
      TOKEN,
    );
    const second = await page.context().newPage();
    await second.goto(`${guarded.url}/`);
    await second.getByText('This service asks for a token.').waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
    await guarded.stop();
  });

  test('above each page stands that the numbers are behind, and what the last comparison found', async () => {
    const { page, errors } = await openPage(browser, `${api.url}/#/course/1`);
    const banner = page.locator('.notice');
    await page.getByText('Up to date.').waitFor();
    await insertAll(analytics.db, 'state.key_mark', [
      { family: 'engagement', course_id: 1, student_id: 1, priority: 0, committed_at: '2026-03-20T11:59:17Z' },
    ]);
    await banner.getByText('The numbers are 43 seconds behind.').waitFor(EVENTUALLY);
    expect(await page.locator('.state').getByText('Up to date.').count()).toBe(0);
    // A screen reader announces it once, not each time that the number changes; and again when it is over.
    const spoken = page.getByRole('status').and(page.locator('.spoken'));
    expect(await spoken.textContent()).toBe('The numbers are 43 seconds behind.');
    await analytics.db.query(`UPDATE state.key_mark SET committed_at = '2026-03-20T11:59:07Z'`);
    await banner.getByText('The numbers are 53 seconds behind.').waitFor(EVENTUALLY);
    expect(await spoken.textContent()).toBe('The numbers are 43 seconds behind.');
    await analytics.db.query(`DELETE FROM state.key_mark`);
    await spoken.getByText('Up to date.').waitFor(EVENTUALLY);
    await insertAll(analytics.db, 'state.key_mark', [
      { family: 'engagement', course_id: 1, student_id: 1, priority: 0, committed_at: '2026-03-20T11:59:17Z' },
    ]);
    await page.goto(`${api.url}/#/course/1/student/1`);
    await banner.getByText('The numbers are 43 seconds behind.').waitFor();
    await analytics.db.query('DELETE FROM state.key_mark');
    await page.reload();
    await page.getByText('Up to date.').waitFor();
    const found = (mismatched: number, repaired: number): Promise<object[]> =>
      analytics.db.query(
        `INSERT INTO pipeline_logs (run_id, pipeline_name, status, completed_at, details)
         VALUES (gen_random_uuid(), 'reconcile', 'succeeded', clock_timestamp(), $1)`,
        [
          JSON.stringify({
            scope: {},
            dry_run: false,
            verdict: { tables: { grades: { equal: 9, mismatched, missing: 0, extra: 0, repaired } }, features: {} },
          }),
        ],
      );
    await found(3, 1);
    await page.reload();
    await banner.getByText(/found 2 differences that are not repaired yet\.$/).waitFor();
    await found(3, 3);
    await page.reload();
    await banner.getByText(/found 3 differences and repaired them\.$/).waitFor();
    await found(0, 0);
    await page.reload();
    await page.getByText('Up to date.').waitFor();
    expect(await banner.count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the proof is asked for and called off, a source row cannot be read', async () => {
    const { page, errors } = await openPage(browser, `${api.url}/ops`);
    await page.getByText('none heard from').first().waitFor();
    await page.getByText('not heard from', { exact: true }).first().waitFor();
    expect(await page.getByRole('button', { name: 'Compare now' }).isEnabled()).toBe(true);
    await page.getByRole('button', { name: 'Compare now' }).click();
    await page.getByText('waiting to begin').waitFor();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.locator('strong', { hasText: 'cancelled' }).waitFor();
    await db.query(
      `INSERT INTO rejected_change (origin, source_table, epoch, lsn, reason, payload)
       VALUES ('grades:x', 'grades', 1, 1, 'bad_timestamp', '{"comment": "<img src=x onerror=alert(1)>"}')`,
    );
    await page.reload();
    await page.locator('summary', { hasText: 'grades:x' }).click();
    await page.getByText('<img src=x onerror=alert(1)>').waitFor();
    expect(await page.locator('pre img').count()).toBe(0);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /^Download as CSV: .*Rows that could not be read/ }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('rejected.csv');
    const lines = parse(readFileSync(await download.path(), 'utf8'), { columns: true });
    expect(lines).toMatchObject([{ origin: 'grades:x', payload: '{"comment": "<img src=x onerror=alert(1)>"}' }]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a comparison of one student alone, and one that writes nothing, say so', async () => {
    const { page, errors } = await openPage(browser, 'about:blank');
    const asked = await ask(`${api.url}/api/pipeline/trigger`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ course_id: 1, student_id: 2, from: '2026-03-01', dry_run: true }),
    });
    expect(asked.status).toBe(202);
    await page.goto(`${api.url}/ops`);
    await page.getByText('waiting to begin').waitFor();
    await page.getByText(/^Limited to: .*Course 1.*, .*Student 2.*, and .*from .*March 1, 2026.* on.*\.$/).waitFor();
    await page.getByText('A dry run: nothing is written.').waitFor();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.locator('strong', { hasText: 'cancelled' }).waitFor();
    await page.getByRole('button', { name: 'Compare now' }).click();
    await page.getByText('waiting to begin').waitFor();
    expect(await page.getByText(/Limited to|A dry run/).count()).toBe(0);
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.locator('strong', { hasText: 'cancelled' }).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
