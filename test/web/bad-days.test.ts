import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { type Forwarder, startForwarder } from '../api/forwarder.ts';
import { startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { hasBrowser, openBrowser, openPage, seedSchool } from './support.ts';

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

  test('the stream is behind, the proof found differences, a source row cannot be read', async () => {
    const { page, errors } = await openPage(browser, `${api.url}/ops`);
    await page.getByText('none is heard of').first().waitFor();
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
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
