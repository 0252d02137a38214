import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

/** How bright a colour is, as WCAG reckons. @param colour as in `rgb(1, 2, 3)` */
function luminanceOf(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrastOf(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

describe.skipIf(!hasBrowser)('what a teacher has to be told', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_told');
  });
  afterAll(() => school.close());

  test('in which course a student is looked at, also on paper', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await page.route('**/api/courses?*', async (route) => {
      const courses = (await (await route.fetch()).json()) as { course_id: number }[];
      await route.fulfill({ json: courses.map((each) => ({ ...each, title: `Title of ${each.course_id}` })) });
    });
    for (const course of [1, 2]) {
      await page.goto(`${school.url}/#/course/${course}/student/1`);
      await page.getByText(`Title of ${course}`, { exact: true }).waitFor();
    }
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByText('Title of 2', { exact: true }).isVisible()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('where the middle half of the class ends: %s', async (colorScheme) => {
    const { page } = await openPage(school.browser, `${school.url}/#/course/1/student/1`, { colorScheme });
    await page.locator('.key .band').first().waitFor();
    const [paper, edge, line] = (await page.evaluate(`[
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('path.band')).stroke,
      getComputedStyle(document.querySelector('.key .band')).stroke,
    ]`)) as [string, string, string];
    expect(edge).toMatch(/^rgb/);
    expect(line).toBe(edge);
    // What WCAG asks of lines that have to be seen to understand a picture.
    expect(contrastOf(paper, edge)).toBeGreaterThanOrEqual(3);
    await page.context().close();
  });
});
