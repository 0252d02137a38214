// Pictures of every page in three languages, by day and by night, on a phone and on a desk, of what npm start serves:
//   npm run screenshots [-- <address>]      into .screenshots/
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [base = 'http://127.0.0.1:8001'] = process.argv.slice(2);
const folder = path.resolve(import.meta.dirname, '../../.screenshots');
const SIZES = { desk: { width: 1200, height: 900 }, phone: { width: 390, height: 844 } };

const [{ course_id: course }] = await (await fetch(`${base}/api/courses`)).json();
const [first] = await (await fetch(`${base}/api/attention?days=all&course_id=${course}`)).json();
const student = first?.student_id ?? 1;
const PAGES = {
  courses: ['/', 'tbody tr'],
  course: [`/#/course/${course}`, 'figure'],
  'what-if': [`/#/course/${course}`, '.what-if button', whatIf],
  student: [`/#/course/${course}/student/${student}`, 'figure'],
  'why-score': [`/#/course/${course}/student/${student}`, 'dl.facts button', why],
  'why-attention': [`/#/course/${course}/student/${student}`, '.lead button', why],
  operation: ['/ops', 'figure'],
  api: ['/docs', '.opblock'],
};

/** Opens the panel of the first number there. */
async function why(page, first) {
  await page.locator(first).first().click();
  await page.locator('dialog[open] h3').first().waitFor();
}

/** Lowers the points from which the alarm opens. */
async function whatIf(page, open) {
  await page.locator(open).click();
  await page.locator('.what-if input').nth(1).fill('1');
  await page.locator('.what-if input').first().fill('1');
  await page.locator('.what-if pre').waitFor();
  await page.locator('.what-if').scrollIntoViewIfNeeded();
}

mkdirSync(folder, { recursive: true });
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
for (const locale of ['en', 'fr', 'ar'])
  for (const colorScheme of ['light', 'dark'])
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({ locale, colorScheme, viewport });
      const page = await context.newPage();
      for (const [name, [place, whole, act]] of Object.entries(PAGES)) {
        // Via another page, so that everything open is closed.
        await page.goto('about:blank');
        await page.goto(base + place);
        await page.locator(whole).first().waitFor();
        await act?.(page, whole);
        await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => undefined);
        await page.screenshot({
          path: path.join(folder, `${name}-${locale}-${colorScheme}-${size}.png`),
          // A panel covers only the visible part.
          fullPage: act !== why,
        });
      }
      await context.close();
    }
await browser.close();
console.log(`The pictures are in ${folder}.`);
