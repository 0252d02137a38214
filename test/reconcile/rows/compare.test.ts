import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePiece, compareRows } from '#libs/reconcile/rows/compare.ts';
import { parseSnapshot } from '#libs/reconcile/rows/visibility.ts';
import { decodeTimestamp } from '#libs/source/postgres/decode.ts';
import type { TextRow } from '#libs/source/postgres/snapshot.ts';

const ids = {
  student: (id: string) => (id === 's' ? '7' : undefined),
  course: (id: string) => (id === 'c' ? '9' : undefined),
};
const snapshot = parseSnapshot('100:105:101');
const SEEN = '99';
const UNSEEN = '101';

describe('a row and its image', () => {
  const same = compareRows('activity_logs', ids);
  const row = ['id', 's', 'c', 'view', 'r1', '12', '2026-03-01 10:00:00.123456', '{"state": 1, "ip": "10.0.0.1"}'];
  const image = ['id', null, '7', '9', 'view', 'r1', '12', '1772359200123', '{"state":1}'];
  const put = (list: readonly (string | null)[], index: number, value: string | null): TextRow =>
    list.map((old, at) => (at === index ? value : old));

  test('say the same, each in its own way', () => {
    expect(same(row, image)).toBe(true);
    expect(same(row, image)).toBe(true);
  });

  test.each([2, 3, 4, 5, 6, 7, 8])('differ where column %s of the image does, also by null', (index) => {
    expect(same(row, put(image, index, '0'))).toBe(false);
    expect(same(row, put(image, index, null))).toBe(false);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])('differ where column %s of the row is null, and agree where both are', (index) => {
    expect(same(put(row, index, null), image)).toBe(false);
    expect(same(put(row, index, null), put(image, index + 1, null))).toBe(true);
  });

  test('differ where the student was never seen, whatever stands in the image', () => {
    expect(same(put(row, 1, 'stranger'), image)).toBe(false);
    expect(same(put(row, 1, 'stranger'), put(image, 2, null))).toBe(false);
  });

  test('agree where nothing of the metadata is needed, and where a time is infinite', () => {
    expect(same(put(row, 7, '{"ip": "10.0.0.1"}'), put(image, 8, null))).toBe(true);
    expect(same(put(row, 6, 'infinity'), put(image, 7, null))).toBe(true);
  });

  test('agree in times of every form, to the millisecond', () => {
    const second = fc.date({ min: new Date(-8e13), max: new Date(8e13), noInvalidDate: true });
    fc.assert(
      fc.property(
        second,
        fc.integer({ min: 0, max: 999_999 }),
        fc.integer({ min: 0, max: 6 }),
        (date, micros, digits) => {
          const [whole = ''] = date.toISOString().split('.');
          const fraction = String(micros).padStart(6, '0').slice(0, digits);
          const text = `${whole.replace('T', ' ').replace(/^\+0*/, '')}${digits === 0 ? '' : `.${fraction}`}`;
          if (text.startsWith('-') || text.startsWith('0000')) return;
          const millis = decodeTimestamp(text);
          expect(same(put(row, 6, text), put(image, 7, String(millis)))).toBe(true);
          expect(same(put(row, 6, text), put(image, 7, String((millis ?? 0) + 1)))).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(
      same(put(row, 6, '0044-03-15 12:00:00 BC'), put(image, 7, String(decodeTimestamp('0044-03-15 12:00:00 BC')))),
    ).toBe(true);
  });

  test('of more words than are remembered, and of long ones', () => {
    for (let n = 0; n < 12_000; n += 1)
      expect(same(put(row, 7, `{"event_id": "e${n}"}`), put(image, 8, `{"event_id":"e${n}"}`))).toBe(true);
    const long = 'x'.repeat(1_000);
    expect(same(put(row, 7, `{"event_id": "${long}"}`), put(image, 8, `{"event_id":"${long}"}`))).toBe(true);
  });
});

const name = (n: number): string => String(n).padStart(4, '0');

/** Each id: absent or a value on either side, and whether the snapshot sees the transaction that wrote the image. */
const sides = fc.array(
  fc.record({
    row: fc.option(fc.integer({ min: 0, max: 1 }), { nil: null }),
    image: fc.option(fc.integer({ min: 0, max: 1 }), { nil: null }),
    xid: fc.constantFrom(null, SEEN, UNSEEN),
  }),
  { maxLength: 40 },
);

test('in pieces of any size, each id is found equal, doubtful or nowhere, as it is', () => {
  fc.assert(
    fc.property(sides, fc.integer({ min: 1, max: 7 }), (all, size) => {
      const rows = all.flatMap(({ row }, n): TextRow[] => (row === null ? [] : [[name(n), String(row)]]));
      const images = all.flatMap(({ image, xid }, n): TextRow[] =>
        image === null ? [] : [[name(n), xid, String(image)]],
      );
      const same = (row: TextRow, image: TextRow): boolean => row[1] === image[2];
      const toRecheck = new Map<string, boolean>();
      let equal = 0;
      for (let from = 0, at = 0; ; at += size) {
        const piece = images.slice(at, at + size);
        const isLast = piece.length < size;
        const upTo = isLast ? null : (piece.at(-1)?.[0] ?? null);
        const outcome = comparePiece({ rows, snapshot }, from, upTo, piece, same);
        equal += outcome.equal;
        for (const [id, differs] of outcome.toRecheck) toRecheck.set(id, differs);
        from = outcome.next;
        if (isLast) break;
      }
      const expected = new Map<string, boolean>();
      let agreed = 0;
      all.forEach(({ row, image, xid }, n) => {
        if (row === null && image === null) return;
        const isUnseen = image !== null && xid === UNSEEN;
        if (row === image && !isUnseen) agreed += 1;
        else expected.set(name(n), !isUnseen);
      });
      expect(equal).toBe(agreed);
      expect(toRecheck).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});
