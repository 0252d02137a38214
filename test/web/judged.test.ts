import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ATTENTION_REASONS, FLAG_NAMES } from '#libs/domain/flags.ts';
import { hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

describe.skipIf(!hasBrowser)('a class of which nobody is judged', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_judged', {
      prepare: async (db) => {
        await db.query('UPDATE anomaly_features SET unsupported = $1 WHERE course_id = 2', [FLAG_NAMES]);
        await db.query('UPDATE engagement_features SET days_inactive = 25 WHERE student_id = 1 OR student_id = 4');
      },
    });
  });
  afterAll(() => school.close());

  test('is not one in which nobody needs anybody: a dash stands for it, and why is said', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/`);
    const course = page.getByRole('row', { name: /Course 2/ });
    expect(await course.innerText()).toMatch(/Course 2\t–\t1\t/);
    expect(await page.locator('.lead').innerText()).toContain('1 of them is not judged');
    await course.getByRole('button', { name: '–' }).first().click();
    await page.getByText('Known of 0 of 1 students.').waitFor();
    await page.goto(`${school.url}/#/course/2`);
    await page.getByText('This class is not judged: the course does not collect what its students do.').waitFor();
    await school.db.query('UPDATE state.course SET covered_from = $1 WHERE course_id = 2', [[20_000]]);
    await page.reload();
    await page.getByText('This class is not judged: too few students were active').waitFor();
    await school.db.query('UPDATE anomaly_features SET unsupported = $1 WHERE course_id = 2', [ATTENTION_REASONS]);
    await page.reload();
    await page.getByText('or too rarely, to compare anybody with').waitFor();
    await page.goto(`${school.url}/#/course/2/student/1`);
    await page.getByText('Not judged: the student has only just come').waitFor();
    await school.db.query('UPDATE anomaly_features SET unsupported = $1 WHERE course_id = 2', [FLAG_NAMES]);
    await page.goto(`${school.url}/#/course/2`);
    await page.getByText('This class is not judged').waitFor();
    expect(await page.getByText('Nobody needs you').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('has students of whom it is said that they are not judged', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/2/student/1`);
    await page.getByText('Not judged: too little is known.').waitFor();
    expect(await page.locator('.lead').innerText()).toMatch(/^Not judged: .* too few .*\. Last active 25 days ago\.$/);
    expect(await page.getByText(/Not on the list|Nothing is unusual/).count()).toBe(0);
    await page.goto(`${school.url}/#/course/1/student/4`);
    await page.getByText('Nothing is unusual.').waitFor();
    expect(await page.locator('.lead').innerText()).toMatch(
      /^Not on the list of those to talk to\. Last active 25 days ago\.$/,
    );
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
