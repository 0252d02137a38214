import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ListedCourse } from '#libs/serve/courses.ts';
import type { NamedStudent } from '#libs/serve/directory.ts';
import { ask } from '../api/support.ts';
import type { Key, WebCampus } from './campus.ts';
import { EVENTUALLY, openPage } from './support.ts';

interface Task {
  /** Whom it is about, as SQL over the features. */
  readonly who: string;
  /** What is clicked from the first page on; `course` and `student` stand for their names. */
  readonly steps: readonly ('course' | 'student' | { readonly number: string })[];
  /** The words that answer it. */
  readonly answer: RegExp;
}

/** The questions of a teacher. */
const TASKS: Readonly<Record<string, Task>> = {
  'who needs me': { who: 'attention IS NOT NULL', steps: ['course'], answer: /\d+ students? needs? you\./ },
  'why this student': {
    who: 'attention IS NOT NULL AND absent IS NOT NULL',
    steps: ['course', 'student'],
    answer: /the class is usually active on \d+ of 21 days/,
  },
  'how are her grades': {
    who: 'avg_grade IS NOT NULL',
    steps: ['course', 'student'],
    answer: /Mean grade\n\d+\.\d/,
  },
  'did the late submission count': {
    who: 'late_submissions = 1',
    steps: ['course', 'student', { number: 'Of these, late' }],
    answer: /Submissions with a due date.* \(\d+\)[\s\S]*\tyes\n/,
  },
  'is the data fresh': { who: 'true', steps: [], answer: /Up to date\. The last change came at/ },
};

interface Element {
  readonly ownerDocument: { readonly activeElement: unknown };
}

/** Moves the focus to it with the Tab key alone. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let presses = 0; presses < 400; presses += 1) {
    if (await wanted.evaluate((element: Element) => element.ownerDocument.activeElement === element)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${wanted} by the keyboard`);
}

/** Every answer is at most three clicks away. */
export function tasksTests(campus: () => WebCampus): void {
  /** The names shown on the pages. */
  async function namesOf({ course_id, student_id }: Key): Promise<Readonly<Record<'course' | 'student', string>>> {
    const { url } = campus().api;
    const courses = (await ask(`${url}/api/courses?limit=1000`)).body as ListedCourse[];
    const people = (await ask(`${url}/api/directory?course_id=${course_id}`)).body as NamedStudent[];
    const course = courses.find((each) => each.course_id === course_id)?.title;
    const student = people.find((each) => each.student_id === student_id)?.name;
    return { course: course ?? `Course ${course_id}`, student: student ?? `Student ${student_id}` };
  }

  test.each(Object.entries(TASKS))('%s, by the mouse and by the keyboard alone', async (_, { who, steps, answer }) => {
    expect(steps.length).toBeLessThanOrEqual(3);
    const names = await namesOf(await campus().keyWith(who));
    const { page, errors } = await openPage(campus().browser, `${campus().api.url}/`);
    const find = (step: Task['steps'][number]): Locator =>
      typeof step === 'string'
        ? page.getByRole('link', { name: names[step], exact: true }).first()
        : page.locator(`button[title*="${step.number}"]`);
    const go = {
      mouse: (wanted: Locator) => wanted.click(),
      keyboard: async (wanted: Locator) => {
        await tabTo(page, wanted);
        await page.keyboard.press('Enter');
      },
    };
    for (const way of ['mouse', 'keyboard'] as const) {
      await page.goto('about:blank');
      await page.goto(`${campus().api.url}/`);
      for (const step of steps) await go[way](find(step));
      await expect.poll(() => page.locator('body').innerText(), EVENTUALLY).toMatch(answer);
    }
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('at 400 % zoom nothing has to be scrolled sideways but what scrolls by itself', async () => {
    const { browser, api } = campus();
    const { course_id, student_id } = await campus().keyWith('attention IS NOT NULL');
    const { page } = await openPage(browser, `${api.url}/`, { viewport: { width: 320, height: 256 } });
    const course = `/#/course/${course_id}`;
    for (const path of ['/', course, `${course}/student/${student_id}`, '/ops']) {
      await page.goto(api.url + path);
      await page.locator('h1').waitFor();
      await page.locator('td, dd').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(320);
    }
    await page.context().close();
  });
}
