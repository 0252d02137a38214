import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

describe.skipIf(!hasBrowser)('from a course to a student and back', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_there_and_back', { students: 600 });
  });
  afterAll(() => school.close());

  test.each(['the link', 'the browser’s way back'])(
    'the list is as it was left, and where: by %s; from the list of courses it begins at the top',
    async (way) => {
      const { page, errors } = await openPage(school.browser, `${school.url}/#/course/1`);
      const top = (): Promise<number> => page.evaluate('scrollY');
      const rows = page.locator('table.everyone tbody a');
      await rows.first().waitFor();
      await page.getByLabel('Show').selectOption('none');
      await page.getByLabel('Find by name').fill('student');
      await page.getByRole('button', { name: 'Score' }).click();
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('Page 2 of 12').waitFor();
      const names = await rows.allInnerTexts();
      await rows.nth(20).scrollIntoViewIfNeeded();
      const before = await top();
      expect(before).toBeGreaterThan(300);
      await rows.nth(20).click();
      await page.getByRole('heading', { name: 'Over time' }).waitFor();
      expect(await top()).toBe(0);
      if (way === 'the link') await page.getByRole('link', { name: 'Back to the course' }).click();
      else await page.goBack();
      await page.getByText('Page 2 of 12').waitFor();
      expect(await rows.allInnerTexts()).toEqual(names);
      expect(await page.getByLabel('Show').inputValue()).toBe('none');
      expect(await page.getByLabel('Find by name').inputValue()).toBe('student');
      await expect.poll(top, EVENTUALLY).toBe(before);
      await rows.nth(20).click();
      await page.getByRole('heading', { name: 'Over time' }).waitFor();
      await page.getByRole('link', { name: 'Courses' }).click();
      await page.getByRole('link', { name: 'Course 1' }).click();
      await page.getByText('Page 2 of 12').waitFor();
      expect(await top()).toBe(0);
      expect(errors).toEqual([]);
      await page.context().close();
    },
  );
});
