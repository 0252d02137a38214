import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

/** From then on nothing that is asked of these routes is ever answered, as where a train is in a tunnel: no error comes either. */
const swallow = (page: Page, ...routes: readonly string[]): Promise<unknown> =>
  Promise.all(routes.map((route) => page.route(route, () => {})));

describe.skipIf(!hasBrowser)('a network that is gone without a word', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_silence', { isLive: true });
  });
  afterAll(() => school.close());

  test('is not up to date: the page says since when, and goes on once there is an answer', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/1`);
    await page.getByText('Up to date.').first().waitFor();
    await swallow(page, '**/api/freshness');
    await page.getByText('The server does not answer.').waitFor();
    await page.getByText('What you see is as of').waitFor();
    expect(await page.locator('.state').count()).toBe(0);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.locator('.state').getByText('Up to date.').waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('is not well: the verdict on /ops goes away', async () => {
    const { page } = await openPage(school.browser, 'about:blank');
    await page.route('**/api/ready', (route) => route.fulfill({ json: { status: 'ready', reasons: [] } }));
    await page.goto(`${school.url}/ops`);
    const verdict = page.locator('.lead', { hasText: 'All is well.' });
    await verdict.waitFor();
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await swallow(page, '**/api/ready');
    await verdict.waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('does not pass for one over which changes come: a connection that falls silent is made anew', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await page.clock.install();
    // It opens, says something once, and then nothing more.
    await page.addInitScript(`
      const ask = globalThis.fetch;
      globalThis.connections = 0;
      globalThis.fetch = (path, init) => {
        if (path !== '/api/events') return ask(path, init);
        globalThis.connections += 1;
        const body = new ReadableStream({
          start(stream) {
            stream.enqueue(new TextEncoder().encode(': hello\\n\\n'));
            init.signal.addEventListener('abort', () => stream.error(init.signal.reason));
          },
        });
        return Promise.resolve(new Response(body));
      };`);
    await page.goto(`${school.url}/#/course/1`);
    await page.getByText('Changes appear by themselves.').waitFor();
    await page.clock.runFor(30_000);
    expect(await page.evaluate('connections')).toBe(1);
    await page.clock.runFor(15_000);
    await expect.poll(() => page.evaluate('connections'), EVENTUALLY).toBe(2);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
