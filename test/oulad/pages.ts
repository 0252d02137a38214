import { expect } from 'vitest';
import type { WhatIf } from '#libs/explain/what-if.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { ListedCourse } from '#libs/serve/courses.ts';
import { ask, serveWhile } from '../api/support.ts';
import { faultsOf } from '../web/axe.ts';
import { EVENTUALLY, hasBrowser, openBrowser, openPage } from '../web/support.ts';

/** The pages of a real course with hundreds of students: they show what the API says, without errors. */
export async function expectPages(db: Database): Promise<void> {
  if (!hasBrowser) return;
  const browser = await openBrowser();
  try {
    await serveWhile(db, {}, async ({ url }) => {
      const [listed] = (await ask(`${url}/api/courses`)).body as ListedCourse[];
      const [first] = (await ask(`${url}/api/attention?limit=1`)).body as { readonly student_id: number }[];
      if (listed === undefined || first === undefined) throw new Error('nobody of the course is to be talked to');
      // Like the list, what-if leaves out students who have been gone for long.
      const now = (await ask(`${url}/api/what-if?course_id=${listed.course_id}`)).body as WhatIf;
      expect(now.days[0]).toMatchObject({ attention_now: listed.attention, attention_then: listed.attention });
      const course = `${url}/#/course/${listed.course_id}`;
      const { page, errors } = await openPage(browser, course);
      const shows = async (path: string, words: RegExp): Promise<void> => {
        await page.goto(path);
        await expect.poll(() => page.locator('main').innerText(), EVENTUALLY).toMatch(words);
        expect([path, await faultsOf(page)]).toEqual([path, []]);
      };
      await shows(course, new RegExp(`^${listed.attention} students need you\\.`, 'm'));
      await shows(`${course}/everyone`, /Student/);
      await shows(`${course}/class`, /class/i);
      await shows(`${course}/student/${first.student_id}`, /Talk to|since/i);
      expect(errors).toEqual([]);
    });
  } finally {
    await browser.close();
  }
}
