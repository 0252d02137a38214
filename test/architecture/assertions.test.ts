import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const TESTS = path.resolve(import.meta.dirname, '..');

/** The text between the brackets of each call, with the line on which it begins. */
function* argumentsOf(call: string, text: string): Iterable<{ readonly line: number; readonly given: string }> {
  for (let at = text.indexOf(call); at !== -1; at = text.indexOf(call, at + 1)) {
    const from = at + call.length;
    let to = from;
    for (let depth = 1; depth > 0 && to < text.length; to += 1) {
      if (text[to] === '(') depth += 1;
      if (text[to] === ')') depth -= 1;
    }
    yield { line: text.slice(0, at).split('\n').length, given: text.slice(from, to - 1) };
  }
}

test('no test expects {} by toMatchObject, which every object matches: NOTHING is what is meant', () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.includes('node_modules') && path.join(TESTS, file) !== import.meta.filename,
  );
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) =>
    [...argumentsOf('.toMatchObject(', readFileSync(path.join(TESTS, file), 'utf8'))]
      .filter(({ given }) => /\{\s*\}/.test(given))
      .map(({ line }) => `${file}:${line}`),
  );
  expect(found).toEqual([]);
});
