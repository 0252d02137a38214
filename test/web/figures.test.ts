import { expect, test } from 'vitest';
import { startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase } from '../support/database.ts';
import { hasBrowser, openBrowser, openPage, seedSchool } from './support.ts';

/** `npm run figures:web` prints the weight of the first page and how a large class performs; the figures are for reading, not asserted. */
const STUDENTS = Number(process.env['WEB_FIGURES'] ?? 0);

test.skipIf(STUDENTS === 0 || !hasBrowser)('weight, row elements, time to sort', { timeout: 300_000 }, async () => {
  const analytics = await createAnalyticsDatabase('web_figures');
  await seedSchool(analytics.db, STUDENTS);
  const api = await startTestApi(analytics.db);
  const browser = await openBrowser();
  try {
    const { page, errors } = await openPage(browser, 'about:blank');
    const sizes: Promise<number>[] = [];
    page.on('requestfinished', (request) => {
      // Of the page itself; what it requests from the API depends on the school.
      if (!request.url().includes('/api/'))
        sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
    });
    await page.setExtraHTTPHeaders({ 'accept-encoding': 'gzip' });
    await page.goto(`${api.url}/`);
    await page.locator('tbody tr').first().waitFor();
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.log(`first view: ${Math.ceil(bytes / 1000)} KB gzipped, in ${sizes.length} files, without data`);
    await page.goto(`${api.url}/#/course/1`);
    const heads = page.locator('section table thead button');
    await heads.first().waitFor();
    console.log(`${STUDENTS} students: ${await page.locator('tr').count()} row elements in the document`);
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Performance.enable');
    const scriptMs = async (): Promise<number> => {
      const { metrics } = await cdp.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0) * 1000;
    };
    for (const head of await heads.all()) {
      const before = await scriptMs();
      await head.click();
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      console.log(`sorted by ${await head.innerText()}: ${Math.round((await scriptMs()) - before)} ms of script`);
    }
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
    await api.stop();
    await analytics.drop();
  }
});
