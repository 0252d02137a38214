import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FEATURE_SET } from '#libs/features/index.ts';

/*
 * A feature is defined in schemas/features.md before it is implemented. Consecutive names share a beginning there: in
 * `login_count, _7d, _30d` and `forum_posts_count, _30d` the last is forum_posts_30d.
 */

const PAGE = readFileSync(new URL('../../schemas/features.md', import.meta.url), 'utf8');
const [, chapters = ''] = /\n## 3\. engagement_features\n([\s\S]*?)\n## 7\. /.exec(PAGE) ?? [];

function namesIn(text: string): string[] {
  const names: string[] = [];
  let last = '';
  for (const [word] of text.matchAll(/[a-z0-9_]+/g)) {
    if (!word.startsWith('_')) last = word;
    else names.push(last + word, last.replace(/_[a-z0-9]+$/, '') + word);
    names.push(word);
  }
  return names;
}

test('names are found, also those that share a beginning', () => {
  expect(namesIn('views_7d, _30d · login_count, _7d')).toEqual(expect.arrayContaining(['views_30d', 'login_count_7d']));
  expect(chapters.length).toBeGreaterThan(5_000);
});

test('every feature is defined on the page of definitions: in the first column of a table, or among the columns of the days', () => {
  const firstCells = [...chapters.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell).join('\n');
  const [, days = ''] = /\n## 6\. temporal_features\n([\s\S]*)/.exec(chapters) ?? [];
  const defined = new Set(namesIn(`${firstCells}\n${days}\nunsupported`));
  const missing = Object.entries(FEATURE_SET).flatMap(([table, definitions]) =>
    Object.keys(definitions)
      .filter((name) => !defined.has(name))
      .map((name) => `${table}.${name}`),
  );
  expect(missing, 'define it in schemas/features.md, sections 3 to 6').toEqual([]);
});
