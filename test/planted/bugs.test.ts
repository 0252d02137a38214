import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PLANTED_BUGS } from './bugs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

// Whether the suite sees them takes minutes and is asked by npm run test:planted; whether they can be planted is seen here.
test.each(PLANTED_BUGS)('"$name" still fits the code', ({ file, from, also = [], tests }) => {
  for (const edit of [{ file, from }, ...also])
    expect(readFileSync(path.join(ROOT, edit.file), 'utf8').split(edit.from)).toHaveLength(2);
  for (const name of tests) expect(existsSync(path.join(ROOT, name))).toBe(true);
});
