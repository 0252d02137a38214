import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PLANTED_BUGS } from './bugs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

// Only checks that the bugs can be planted. Whether the suite catches them takes minutes: npm run test:planted.
test.each(PLANTED_BUGS)('"$name" still fits the code', ({ file, from, also = [], tests }) => {
  for (const edit of [{ file, from }, ...also])
    expect(readFileSync(path.join(ROOT, edit.file), 'utf8').split(edit.from)).toHaveLength(2);
  for (const name of tests) expect(existsSync(path.join(ROOT, name))).toBe(true);
});
