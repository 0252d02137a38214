import { expect, test } from 'vitest';
import { OWN_PAST_FLAGS } from '#libs/domain/flags.ts';
import { ask } from '../api/support.ts';
import type { WebCampus } from './campus.ts';
import { openPage } from './support.ts';

/** Controls: what can be pressed, typed into or chosen, unless it is also a word of the page. */
const CONTROLS = 'nav, select, input, summary, button.act, .ask, .back, .tools, .skip';
/** Elements wider than the paper. */
const WIDER = `[...document.querySelectorAll('#page *')]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 || element.scrollWidth > innerWidth + 1)
  .map((element) => element.outerHTML.slice(0, 120))`;
/** A sheet of A4 between its margins, in CSS pixels. */
const PAPER = { width: 700, height: 1000 };

interface Element {
  readonly outerHTML: string;
}

/** A printed page is complete. */
export function printTests(campus: () => WebCampus): void {
  test('nothing is cut off, no control is on it, and all students are', async () => {
    const { course_id, student_id } = await campus().keyWith('attention IS NOT NULL');
    const { page } = await openPage(campus().browser, `${campus().api.url}/`, { viewport: PAPER });
    const course = `/#/course/${course_id}`;
    for (const path of ['/', course, `${course}/student/${student_id}`]) {
      await page.goto(campus().api.url + path);
      await page.locator('td, dd').first().waitFor();
      await page.emulateMedia({ media: 'print' });
      const shown = page.locator(CONTROLS).filter({ visible: true });
      expect(await shown.evaluateAll((all: readonly Element[]) => all.map((each) => each.outerHTML))).toEqual([]);
      expect(await page.evaluate(WIDER), path).toEqual([]);
      await page.emulateMedia({ media: 'screen' });
    }
    await page.context().close();
  });

  test.each(['en', 'fr', 'ar'])('the widest row that there can be fits on the paper: %s', async (locale) => {
    const { course_id } = await campus().keyWith('attention IS NOT NULL');
    const { page } = await openPage(campus().browser, 'about:blank', { viewport: PAPER, locale });
    const path = `/api/metrics/course/${course_id}/students`;
    const [student] = (await ask(campus().api.url + path)).body as object[];
    const attention = { since: '2026-01-01', value: 9, severity: 'high', reasons: [] };
    const numbers = { engagement_score: 100, days_inactive: 365, avg_grade: 100, success_rate: 100 };
    const json = [{ ...student, ...numbers, attention, flags: OWN_PAST_FLAGS }];
    await page.route(`**${path}`, (route) => route.fulfill({ json }));
    await page.goto(`${campus().api.url}/#/course/${course_id}`);
    await page.locator('table.everyone td .alarm').waitFor();
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(WIDER)).toEqual([]);
    await page.context().close();
  });

  test('on paper the list has every student, however few the screen shows at once', async () => {
    const { course_id } = await campus().keyWith('attention IS NOT NULL');
    const { page } = await openPage(campus().browser, 'about:blank');
    const path = `/api/metrics/course/${course_id}/students`;
    const [student] = (await ask(campus().api.url + path)).body as object[];
    const json = Array.from({ length: 120 }, (_, index) => ({ ...student, student_id: index + 1 }));
    await page.route(`**${path}`, (route) => route.fulfill({ json }));
    await page.goto(`${campus().api.url}/#/course/${course_id}`);
    const rows = page.locator('table.everyone tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(50);
    await page.evaluate(`matchMedia('print').addEventListener('change', () => {
        document.title = String(document.querySelectorAll('table.everyone tbody tr').length);
      }, { once: true })`);
    await page.pdf();
    expect(await page.title()).toBe('120');
    expect(await rows.count()).toBe(50);
    await page.context().close();
  });
}
