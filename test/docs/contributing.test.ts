import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** The rows of the table under a heading: cells without the bars. */
function tableUnder(file: string, heading: string): string[][] {
  const [, section = ''] = read(file).split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(1).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const pathsIn = (cell: string): string[] =>
  [...cell.matchAll(/`([\w.-]+(?:\/[\w.-]+)+)`/g)].map((match) => match[1] ?? '');
const answers = tableUnder('.github/CONTRIBUTING.md', 'Where would you change …');
const rooms = tableUnder('libs/README.md', 'The map').map(([folder = '']) => `libs/${folder.replaceAll('`', '')}`);

test('changes are asked, and each has an answer', () => {
  expect(answers).toHaveLength(14);
  expect(answers.filter(([, where = '']) => pathsIn(where).length === 0)).toEqual([]);
});

test.each(answers)('%s: the places are there, and those in libs are on the map', (_, where) => {
  for (const place of pathsIn(where)) {
    expect(existsSync(path.join(ROOT, place)), place).toBe(true);
    if (place.startsWith('libs/')) expect(rooms).toContain(place.split('/').slice(0, 2).join('/'));
  }
});

test('what the map says to begin with is there', () => {
  for (const [folder = '', , first = ''] of tableUnder('libs/README.md', 'The map'))
    for (const [, name = ''] of first.matchAll(/`([^`]+)`/g))
      expect(existsSync(path.join(ROOT, 'libs', folder.replaceAll('`', ''), name)), `${folder} ${name}`).toBe(true);
});
