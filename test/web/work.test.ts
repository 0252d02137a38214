import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClassWork } from '#libs/explain/class-work.ts';
import { hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

const missing = (students: readonly number[]): ClassWork[number]['missing'] =>
  students.map((student) => ({
    student_id: student,
    student_source_id: `00000000-0000-4000-8000-${String(student).padStart(12, '0')}`,
  }));

const piece = (n: number, students: readonly number[]): ClassWork[number] => ({
  item: `Essay ${n}`,
  source: 'submission',
  expected_from: `2026-03-${String(20 - n).padStart(2, '0')}`,
  owed_by: 6,
  missing: missing(students),
});

describe.skipIf(!hasBrowser)('who has not handed in what', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_work', { students: 6 });
  });
  afterAll(() => school.close());

  test('is said of each piece of work, the newest first; older ones are a click away, and on paper', async () => {
    const work = [piece(1, [2, 5]), piece(2, [1, 2, 3, 4]), ...Array.from({ length: 9 }, (_, n) => piece(n + 3, []))];
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await page.route('**/api/metrics/course/1/work', (route) => route.fulfill({ json: work }));
    await page.goto(`${school.url}/#/course/1`);
    const rows = page.getByRole('region', { name: 'Work handed in' }).locator('tbody tr');
    await rows.first().waitFor();
    expect(await rows.first().innerText()).toMatch(/^Essay 1\tMarch 19, 2026\t4 of 6\t/);
    await rows.first().getByRole('link').nth(1).waitFor();
    expect(await rows.nth(1).getByRole('link').count()).toBe(0);
    await rows.nth(1).getByText('4 students').click();
    expect(await rows.nth(1).getByRole('link').count()).toBe(4);
    expect(await rows.nth(2).innerText()).toContain('6 of 6');
    expect(await rows.count()).toBe(8);
    await page.getByRole('button', { name: 'Show 3 older' }).click();
    expect(await rows.count()).toBe(11);
    await rows.first().getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Over time' }).waitFor();
    expect(page.url()).toMatch(/#\/course\/1\/student\/(2|5)$/);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['no work is expected', { json: [] }],
    [
      'it cannot be told just now',
      { status: 503, json: { error: { code: 'settings_changed', message: '', hint: '' } } },
    ],
  ])('is not spoken of where %s', async (_, answer) => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await page.route('**/api/metrics/course/1/work', (route) => route.fulfill(answer));
    const answered = page.waitForResponse('**/api/metrics/course/1/work');
    await page.goto(`${school.url}/#/course/1`);
    await page.getByRole('heading', { name: 'Everyone' }).waitFor();
    await answered;
    await page.getByRole('button', { name: /Try it/ }).click();
    // Nothing was derived in this school, which the database answers.
    await page.getByText('cannot be told just now').waitFor();
    expect(await page.getByText(/Work handed in|does not answer/).count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
