import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Freshness } from '#libs/serve/freshness.ts';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

/** Changes these parts of the server's answer about freshness. */
async function say(page: Page, said: Partial<Freshness>): Promise<void> {
  await page.route('**/api/freshness', async (route) => {
    const answer = (await (await route.fetch()).json()) as Freshness;
    await route.fulfill({ json: { ...answer, ...said } });
  });
}

describe.skipIf(!hasBrowser)('whether to trust what stands on a page', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_trust', { isLive: true });
  });
  afterAll(() => school.close());

  /** The text at the head of the page, once there is one. */
  async function told(said: Partial<Freshness>): Promise<string> {
    const { page } = await openPage(school.browser, 'about:blank');
    await say(page, said);
    await page.goto(`${school.url}/`);
    await page.getByText('The last change came at').waitFor();
    const text = await page.locator('aside').innerText();
    await page.context().close();
    return text;
  }

  test('changes that do not come in, wherever it is that they stick, are not up to date', async () => {
    const text = await told({ troubles: ['no process of the role engagement is heard of: each reports every 2 s'] });
    expect(text).toContain('Changes from the learning platform are not coming in at the moment.');
    expect(text).not.toContain('Up to date.');
  });

  test('what is derived all at once, as at midnight, is no first reading', async () => {
    const text = await told({ lag_ms: { engagement: null, performance: 0, anomaly: 0 } });
    expect(text).toContain('Many numbers are being computed');
    expect(text).not.toMatch(/Up to date\.|for the first time/);
  });

  test('a change of another day is told with its date, one of today is not', async () => {
    const changeAt = async (committed_at: string): Promise<string> =>
      told({
        streams: [
          { stream: 'pgoutput', epoch: 1, phase: 'streaming', applied: '0/1', committed_at, updated_at: committed_at },
        ],
      });
    expect(await changeAt('2026-03-17T15:03:22.000Z')).toMatch(/The last change came at \P{L}*Mar 17, 2026/u);
    expect(await changeAt(new Date().toISOString())).toMatch(/The last change came at \P{L}*\d+:\d\d:\d\d/u);
  });

  test('times are those of the institution, wherever the browser is', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank', { timezoneId: 'America/Montreal' });
    await say(page, { time_zone: 'Asia/Kolkata' });
    await page.goto(`${school.url}/#/course/1/student/2`);
    // 08:00 in UTC.
    await page.getByText('1:30 PM').first().waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a day is told with its year, unless that is this year at the institution', async () => {
    const tells = async (time_zone: string, since: RegExp): Promise<void> => {
      const { page } = await openPage(school.browser, 'about:blank', { timezoneId: 'UTC' });
      await page.clock.setFixedTime('2026-12-31T12:00:00Z');
      await say(page, { time_zone });
      await page.goto(`${school.url}/#/course/1`);
      await expect.poll(() => page.locator('.people .small').first().innerText(), EVENTUALLY).toMatch(since);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await page.context().close();
    };
    await tells('America/Montreal', /since \P{L}?Mar 14\P{L}?$/u);
    await tells('Pacific/Auckland', /since \P{L}?Mar 14, 2026\P{L}?$/u);
  });

  test('a course in which something changes all the time is shown all the same', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    let asked = 0;
    await page.route('**/api/metrics/course/1/students*', async (route) => {
      asked += 1;
      await new Promise((go) => setTimeout(go, 400));
      await route.continue();
    });
    await page.goto(`${school.url}/#/course/1`);
    await page.getByText('Changes appear by themselves.').waitFor();
    const before = asked;
    for (let version = 100; version < 140; version += 1) {
      await school.db.query(
        'UPDATE engagement_features SET events_count = $1::integer, row_version = $1::integer WHERE student_id = 1 AND course_id = 1',
        [version],
      );
      await new Promise((go) => setTimeout(go, 60));
    }
    // Requests follow one another, however many changes there were.
    expect(asked - before).toBeLessThan(12);
    await page.getByRole('link', { name: 'Student 5' }).first().waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('an error of the past goes away', async () => {
    const { page } = await openPage(school.browser, 'about:blank');
    let failures = 1;
    await page.route('**/api/pipeline/status', (route) => {
      failures -= 1;
      return failures >= 0 ? route.abort() : route.continue();
    });
    await page.goto(`${school.url}/ops`);
    const problem = page.getByText('The server does not answer.');
    await problem.waitFor();
    await problem.waitFor({ state: 'detached' });
    await page.context().close();
  });
});
