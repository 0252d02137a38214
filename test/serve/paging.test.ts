import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { InvalidRequestError } from '#libs/serve/errors.ts';
import { cutPage, decodeCursor, encodeCursor, nextLink } from '#libs/serve/paging.ts';

const key = z.tuple([z.int(), z.string()]);

test('a cursor comes back as it was', () => {
  fc.assert(
    fc.property(fc.integer(), fc.string({ unit: 'grapheme' }), (number, text) => {
      const cursor = encodeCursor([number, text]);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(decodeCursor(key, cursor)).toEqual([number, text]);
    }),
  );
});

test('anything else is refused, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => Buffer.from(json).toString('base64url')),
      ),
      (text) => {
        expect(() => decodeCursor(z.tuple([z.int(), z.int(), z.int()]), text)).toThrow(InvalidRequestError);
      },
    ),
  );
});

test('pages of any size hold every row once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 70 }), (count, limit) => {
      const all = Array.from({ length: count }, (_, n) => n + 1);
      const seen: number[] = [];
      let after = 0;
      for (let next: string | null = ''; next !== null; ) {
        const page = cutPage(all.filter((n) => n > after).slice(0, limit + 1), limit, (n) => [n]);
        seen.push(...page.rows);
        next = page.next;
        if (next !== null) [after] = decodeCursor(z.tuple([z.int()]), next);
      }
      expect(seen).toEqual(all);
    }),
  );
});

test('a link keeps the parameters as they were given, but the cursor', () => {
  const link = nextLink('/api/students', { courseId: 'a b&c', limit: '3', cursor: 'old' }, 'new');
  expect(link).toBe('</api/students?courseId=a+b%26c&limit=3&cursor=new>; rel="next"');
});
