import { describe, expect, test } from 'vitest';
import { isVisible, parseSnapshot } from '#libs/reconcile/rows/visibility.ts';

const low = (xid: bigint): number => Number(BigInt.asUintN(32, xid));

describe('what a snapshot says', () => {
  test('of one with transactions under way, and of one without', () => {
    expect(parseSnapshot('730:735:730,733')).toEqual({ xmax: 735, running: new Set([730, 733]) });
    expect(parseSnapshot('735:735:')).toEqual({ xmax: 735, running: new Set() });
  });

  test('by the low 32 bits, also of more than a number holds', () => {
    const text = '18446744073709551000:18446744073709551615:18446744073709551000,18446744073709551001';
    const last = 2 ** 32 - 1;
    expect(parseSnapshot(text)).toEqual({ xmax: last, running: new Set([last - 615, last - 614]) });
  });

  test.each(['', '1:2', '1:2:3,', 'a:b:', '1:2:x'])('"%s" is none', (text) => {
    expect(() => parseSnapshot(text)).toThrow(RangeError);
  });
});

describe.each([
  ['in the first round of the 32 bits', 1_000_000n],
  ['just after a wrap', (7n << 32n) + 5n],
  ['just before a wrap', (8n << 32n) - 5n],
  ['at a wrap', 8n << 32n],
])('a transaction is seen or not, %s', (_, xmax) => {
  const snapshot = parseSnapshot(`${xmax - 90n}:${xmax}:${xmax - 90n},${xmax - 7n}`);

  test.each([1n, 6n, 8n, 89n, 91n, 100n, 500_000n])('%s before the snapshot and ended: seen', (back) => {
    expect(isVisible(low(xmax - back), snapshot)).toBe(true);
  });

  test.each([7n, 90n])('%s before the snapshot and under way: not seen', (back) => {
    expect(isVisible(low(xmax - back), snapshot)).toBe(false);
  });

  test.each([0n, 1n, 10n, 500_000n, (1n << 28n) - 1n])('%s after the snapshot: not seen', (ahead) => {
    expect(isVisible(low(xmax + ahead), snapshot)).toBe(false);
  });

  test('what is written by none is seen', () => {
    expect(isVisible(null, snapshot)).toBe(true);
  });
});

test('a transaction of long ago is seen, up to most of a round', () => {
  const xmax = 9n << 32n;
  const snapshot = parseSnapshot(`${xmax}:${xmax}:`);
  for (const back of [1n << 28n, 1n << 31n, (1n << 32n) - (1n << 28n)])
    expect(isVisible(low(xmax - back), snapshot)).toBe(true);
});

test('a number that is under way in this round and ended in the last one is taken for the one under way', () => {
  const xmax = (9n << 32n) + 100n;
  const snapshot = parseSnapshot(`${xmax - 3n}:${xmax}:${xmax - 3n}`);
  expect(isVisible(97, snapshot)).toBe(false);
});
