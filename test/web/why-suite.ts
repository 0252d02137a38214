import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Explanation } from '#libs/explain/index.ts';
import { EN } from '../../services/web/src/i18n/en.ts';
import { ask } from '../api/support.ts';
import { faultsOf } from './axe.ts';
import { DEADLINE_MS, type Key, type WebCampus } from './campus.ts';
import { EVENTUALLY, openPage } from './support.ts';

/** What the pages explain about a student. */
const SHOWN = Object.keys(EN).flatMap((key) => (key.startsWith('meaning.') ? [key.slice('meaning.'.length)] : []));

/** Every number explains itself. */
export function whyTests(campus: () => WebCampus): void {
  const explanation = async ({ student_id, course_id }: Key, feature: string): Promise<Explanation> =>
    (await ask(`${campus().api.url}/api/explain/${student_id}/${course_id}/${feature}`)).body as Explanation;

  const openWhy = async (page: Page, label: string) => {
    await page.locator(`button.why[title*="${label}"]`).first().click();
    const dialog = page.locator('dialog[open]');
    await dialog.waitFor();
    return dialog;
  };

  test('from the rows on: how many there are, the latest of them, and the rest when they are wanted', async () => {
    const key = await campus().keyWith('active_days_30d > 10 AND attention IS NULL');
    const { value, rows, parts } = await explanation(key, 'active_days_30d');
    const { page, errors } = await openPage(campus().browser, campus().url(key));
    const dialog = await openWhy(page, 'Active days in 30');
    await dialog.getByRole('heading', { name: `It is based on ${rows.count} rows` }).waitFor();
    expect(await dialog.locator('.lead').innerText()).toBe(String(value));
    expect(Object.keys(parts)).toContain('active_days');
    expect(await dialog.locator('dl.parts').innerText()).toMatch(/Active days\n.*\d+ – \d+.*, and /);
    const listed = dialog.getByRole('region', { name: /It is based on/ }).locator('tbody tr');
    expect(await listed.count()).toBe(10);
    expect(await listed.first().innerText()).toContain(rows.listed[0]?.id.slice(0, 8) ?? '');
    await dialog.getByText(`and ${rows.count - 10} more`).waitFor();
    await dialog.getByRole('button', { name: 'Show more' }).click();
    expect(await listed.count()).toBe(rows.listed.length);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('opens, closes and gives the focus back by the keyboard', async () => {
    const { page } = await openPage(campus().browser, campus().url(await campus().keyWith('avg_grade IS NOT NULL')));
    const number = page.locator('button.why[title*="Mean grade"]');
    await number.focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open] h3').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.title')).toMatch(/^Why: .*Mean grade/);
    await page.context().close();
  });

  test('of attention and its reasons: their points, and what would close it', async () => {
    const key = await campus().keyWith('attention IS NOT NULL AND absent IS NOT NULL');
    const { would_change } = await explanation(key, 'attention');
    const { page } = await openPage(campus().browser, campus().url(key));
    const attention = await openWhy(page, 'Attention');
    await attention.getByText('Points by reason').waitFor();
    await attention.getByRole('heading', { name: 'What would change it' }).waitFor();
    expect(await attention.locator('section ul li').count()).toBe(would_change.length);
    await page.keyboard.press('Escape');
    const absent = await openWhy(page, 'absent');
    await absent.getByText('Usual of the class, of 21 days').waitFor();
    await page.context().close();
  });

  test('rows that are left out say why', async () => {
    const key = await campus().keyWith('active_days_30d > 10');
    const { db } = campus().world.source;
    const { rows } = await explanation(key, 'days_inactive');
    await db.query(
      `INSERT INTO activity_logs SELECT (json_populate_record(a, ($2)::json)).* FROM activity_logs AS a WHERE id = $1`,
      [rows.listed[0]?.id ?? '', '{"id": "eeeeeeee-0000-4000-8000-000000000001", "duration_seconds": -5}'],
    );
    await campus().world.settle(DEADLINE_MS);
    const { page } = await openPage(campus().browser, campus().url(key));
    const dialog = await openWhy(page, 'Days away');
    const row = dialog.getByRole('row', { name: /eeeeeeee…/ });
    await expect.poll(() => row.innerText(), EVENTUALLY).toMatch(/cannot be read.*duration_seconds is below 0/);
    await page.context().close();
  });

  test('totals of a course say what they are, and over whom they are counted', async () => {
    const { page } = await openPage(campus().browser, `${campus().api.url}/`);
    const dialog = await openWhy(page, 'Engagement, mean');
    await dialog.getByText(/Known of \d+ of \d+ students\./).waitFor();
    await page.context().close();
  });

  test('what is not known, not there or not allowed, and a database that is away, are said in words', async () => {
    const key = await campus().keyWith('avg_grade IS NOT NULL');
    const { page } = await openPage(campus().browser, campus().url(key));
    const answers: readonly [status: number, code: string, words: string][] = [
      [404, 'x', 'Nothing is known of this student here'],
      [403, 'x', 'This token does not allow you to see that.'],
      [503, 'database_unavailable', 'The database does not answer.'],
      [503, 'x', 'That cannot be told just now.'],
    ];
    for (const [status, code, words] of answers) {
      const json = { error: { code, message: 'no', hint: 'ask' } };
      await page.route('**/api/explain/**', (route) => route.fulfill({ status, json }));
      const dialog = await openWhy(page, 'Mean grade');
      await dialog.getByText(words).waitFor();
      await page.keyboard.press('Escape');
      await page.unrouteAll();
    }
    await page.route('**/api/explain/**', async (route) => {
      const { status, body } = await ask(route.request().url());
      await route.fulfill({ status, json: { ...(body as Explanation), value: null } });
    });
    const dialog = await openWhy(page, 'Mean grade');
    await dialog.getByText('Unknown is not 0.').waitFor();
    await page.context().close();
  });

  test('all of it has words in each language, and axe finds nothing in it', async () => {
    const key = await campus().keyWith('attention IS NOT NULL AND avg_grade IS NOT NULL');
    const names = new Set<string>();
    for (const feature of SHOWN) {
      const { parts, rows } = await explanation(key, feature);
      for (const name of namesIn(parts)) names.add(`part.${name}`);
      for (const { table, read_as } of rows.listed) {
        names.add(`table.${table}`);
        if (typeof read_as['type'] === 'string') names.add(`said.${read_as['type']}`);
      }
    }
    expect([...names].filter((name) => !(name in EN))).toEqual([]);
    const { page } = await openPage(campus().browser, campus().url(key));
    for (const [language, label] of Object.entries({ en: 'Attention', fr: 'Attention', ar: 'الانتباه' })) {
      await page.getByRole('banner').getByRole('combobox').selectOption(language);
      await page.locator(`html[lang="${language}"]`).waitFor();
      const dialog = await openWhy(page, label);
      await dialog.locator('h3').first().waitFor();
      expect(await faultsOf(page), language).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await faultsOf(page, ['color-contrast']), `${language} by night`).toEqual([]);
      await page.emulateMedia({ colorScheme: 'light' });
      await page.keyboard.press('Escape');
    }
    await page.context().close();
  });
}

const WEEKDAY = /day$/;

/** Every name in it, at any depth, except days of the week. */
function namesIn(parts: unknown): string[] {
  if (typeof parts !== 'object' || parts === null) return [];
  if (Array.isArray(parts)) return parts.flatMap(namesIn);
  return Object.entries(parts)
    .flatMap(([name, value]) => [name, ...namesIn(value)])
    .filter((name) => !(WEEKDAY.test(name) && /^[A-Z]/.test(name)) && name !== 'as_of');
}
