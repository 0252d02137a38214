import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../../services/api/role.ts';
import { startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { faultsOf } from './axe.ts';
import { hasBrowser, openBrowser, openPage, seedSchool } from './support.ts';

describe.skipIf(!hasBrowser)('the pages are for everyone', () => {
  let analytics: TestDatabase;
  let api: Api;
  let browser: Browser;

  beforeAll(async () => {
    analytics = await createAnalyticsDatabase('web_everyone');
    await seedSchool(analytics.db, 60);
    api = await startTestApi(analytics.db);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await api.stop();
    await analytics.drop();
  });

  const PAGES = {
    courses: ['/', 'tbody tr'],
    course: ['/#/course/1', 'figure'],
    student: ['/#/course/1/student/1', 'figure'],
    operation: ['/ops', 'figure'],
    api: ['/docs', '.opblock'],
  } as const;

  test.each(Object.entries(PAGES))(
    'axe finds nothing on the page %s, in three languages, by day and by night',
    async (_, [path, whole]) => {
      const { page, errors } = await openPage(browser, api.url + path);
      for (const language of ['en', 'fr', 'ar']) {
        await page.getByRole('banner').getByRole('combobox').selectOption(language);
        await page.locator(`html[lang="${language}"][dir="${language === 'ar' ? 'rtl' : 'ltr'}"]`).waitFor();
        await page.locator(whole).first().waitFor();
        for (const summary of await page.locator('figure summary').all()) await summary.click();
        await page.emulateMedia({ colorScheme: 'light' });
        expect(await faultsOf(page), language).toEqual([]);
        // In dark mode only the colours differ.
        await page.emulateMedia({ colorScheme: 'dark' });
        expect(await faultsOf(page, ['color-contrast']), `${language} by night`).toEqual([]);
      }
      expect(errors).toEqual([]);
      await page.context().close();
    },
  );
});
