import type { Page, Request } from 'playwright-core';
import { expect, test } from 'vitest';
import type { WhatIf } from '#libs/explain/what-if.ts';
import { ask } from '../api/support.ts';
import { faultsOf } from './axe.ts';
import type { WebCampus } from './campus.ts';
import { EVENTUALLY, openPage } from './support.ts';

const BEGINS = 'Begins at this many points';
const ENDS = 'Ends below this many points';

/** A teacher sees what other settings would do to the list. */
export function whatIfTests(campus: () => WebCampus): void {
  const openPanel = async (): Promise<{ page: Page; course: number; asked: string[] }> => {
    const { course_id: course } = await campus().keyWith('attention IS NOT NULL');
    const { page } = await openPage(campus().browser, `${campus().api.url}/#/course/${course}`);
    const asked: string[] = [];
    page.on('request', (request) => request.url().includes('/api/what-if') && asked.push(request.url()));
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByText('This is how it is set.').waitFor();
    return { page, course, asked };
  };

  test('who would come on the list, today and in the past four weeks, and what to set; nothing is saved', async () => {
    const { page, course } = await openPanel();
    await page.getByLabel(ENDS).fill('1');
    await page.getByLabel(BEGINS).fill('1');
    await page.getByText('ATTENTION_OPEN_POINTS=1\nATTENTION_CLOSE_POINTS=1').waitFor();
    const path = `${campus().api.url}/api/what-if?course_id=${course}`;
    const { days } = (await ask(`${path}&open_points=1&close_points=1`)).body as WhatIf;
    const rows = page.locator('.what-if tbody tr');
    expect(await rows.count()).toBe(5);
    for (const [index, { attention_now, attention_then, enter }] of days.entries()) {
      const cells = rows.nth(index).locator('td');
      expect((await cells.allInnerTexts()).slice(0, 2)).toEqual([String(attention_now), String(attention_then)]);
      expect(await cells.nth(2).getByRole('link').count()).toBe(Math.min(12, enter.length));
    }
    expect(days[0]?.enter.length).toBeGreaterThan(0);
    expect(await faultsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'As it is' }).click();
    await page.getByText('This is how it is set.').waitFor();
    const { to_change } = (await ask(path)).body as WhatIf;
    expect(to_change).toEqual([]);
    await page.context().close();
  });

  test('a hand that moves asks once it rests, and the last question wins, also where an earlier answer comes later', async () => {
    const { page, asked } = await openPanel();
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/what-if.*open_points=8/, async (route) => {
      await held;
      await route.continue().catch(() => undefined);
    });
    const isFirst = (request: Request): boolean => request.url().includes('open_points=8');
    const isOver = Promise.race([
      page.waitForEvent('requestfinished', isFirst),
      page.waitForEvent('requestfailed', isFirst),
    ]);
    const before = asked.length;
    for (const points of ['5', '6', '7', '8']) await page.getByLabel(BEGINS).fill(points);
    await expect.poll(() => asked.length, EVENTUALLY).toBe(before + 1);
    expect(asked.at(-1)).toContain('open_points=8');
    await page.getByLabel(BEGINS).fill('4');
    await page.getByText('ATTENTION_OPEN_POINTS=4').waitFor();
    answer();
    await isOver;
    await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
    expect(await page.locator('.what-if pre').innerText()).toBe('ATTENTION_OPEN_POINTS=4');
    await page.context().close();
  });

  test('what cannot be set is said beside its control, and another class that is judged is waited for', async () => {
    const { page } = await openPanel();
    await page.getByLabel(ENDS).fill('7');
    const control = page.locator('.what-if .control', { hasText: ENDS });
    await control.getByText('It cannot end at more points than it begins at.').waitFor();
    expect(await page.getByLabel(ENDS).getAttribute('aria-invalid')).toBe('true');
    const least = page.getByLabel('Smallest class that is judged');
    await page.getByRole('button', { name: 'As it is' }).click();
    await least.fill('0');
    await page.locator('.what-if .control', { hasText: 'This number is not possible here.' }).waitFor();
    const json = { error: { code: 'busy', message: 'another class is being judged', hint: 'ask again' } };
    await page.route('**/api/what-if?*', (route) => route.fulfill({ status: 503, json }), { times: 1 });
    await least.fill('9');
    await page.getByText('ATTENTION_LEAST_CLASS=9').waitFor();
    await page.context().close();
  });
}
