import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareWithRoot, integerRoot, roundWithRoot } from '#libs/derive/anomaly/root.ts';

describe('the integer root', () => {
  test('of squares, and of their neighbours', () => {
    expect([0n, 1n, 2n, 3n, 4n, 8n, 9n, 15n, 16n].map(integerRoot)).toEqual([0n, 1n, 1n, 1n, 2n, 2n, 3n, 3n, 4n]);
    const large = 10n ** 60n + 7n;
    expect([large * large - 1n, large * large, large * large + 1n].map(integerRoot)).toEqual([
      large - 1n,
      large,
      large,
    ]);
  });

  test('is the greatest whose square is not above', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), (n) => {
        const root = integerRoot(n);
        expect(root * root <= n && n < (root + 1n) * (root + 1n)).toBe(true);
      }),
    );
  });
});

describe('a number compared with a multiple of a root', () => {
  test.each<[string, bigint, bigint, bigint, number]>([
    // 7² = 49 < 50 = 5²·2 and 99² = 9801 > 9800 = 70²·2.
    ['7 < 5·√2', 7n, 5n, 2n, -1],
    ['99 > 70·√2', 99n, 70n, 2n, 1],
    ['-7 > -5·√2', -7n, -5n, 2n, 1],
    ['-99 < -70·√2', -99n, -70n, 2n, -1],
    ['6 = 2·√9', 6n, 2n, 9n, 0],
    ['-6 = -2·√9', -6n, -2n, 9n, 0],
    ['-6 < 2·√9', -6n, 2n, 9n, -1],
    ['6 > -2·√9', 6n, -2n, 9n, 1],
    ['0 < √2', 0n, 1n, 2n, -1],
    ['0 > -√2', 0n, -1n, 2n, 1],
    ['1 > 0', 1n, 0n, 2n, 1],
    ['-1 < 0', -1n, 0n, 2n, -1],
    ['0 = 0', 0n, 0n, 2n, 0],
  ])('%s', (_what, a, b, radicand, sign) => {
    expect(compareWithRoot(a, b, radicand)).toBe(sign);
  });
});

describe('numbers with a root are rounded once, half away from zero', () => {
  test.each<[string, bigint, bigint, bigint, bigint, number, string]>([
    // √2 = 1.414 213 562 373 095 048 801 7
    ['√2', 0n, 1n, 2n, 1n, 6, '1.414214'],
    ['-√2', 0n, -1n, 2n, 1n, 6, '-1.414214'],
    ['√2 to many places', 0n, 1n, 2n, 1n, 20, '1.41421356237309504880'],
    ['(3 - 2√2) / 7 = 0.171572875… / 7', 3n, -2n, 2n, 7n, 6, '0.024510'],
    ['(2 - 2√2) / 7 = -0.828427124… / 7', 2n, -2n, 2n, 7n, 6, '-0.118347'],
    ['(-3 + 2√2) / 7', -3n, 2n, 2n, 7n, 6, '-0.024510'],
    ['a root that is whole: (1 - √9) / 4', 1n, -1n, 9n, 4n, 6, '-0.500000'],
    ['a tie: √25 / 2 = 2.5', 0n, 1n, 25n, 2n, 0, '3'],
    ['a tie below 0: -√25 / 2', 0n, -1n, 25n, 2n, 0, '-3'],
    ['a tie of a difference: (10 - √25) / 2', 10n, -1n, 25n, 2n, 0, '3'],
    // 24.99… is less than a tie, though no double says so.
    ['just under a tie', 0n, 1n, 10n ** 40n * 25n - 1n, 10n ** 20n * 2n, 0, '2'],
    ['just over a tie of a difference', 10n ** 21n, -1n, 10n ** 40n * 25n - 1n, 10n ** 20n * 2n, 0, '3'],
    ['just under a tie of a difference', 10n ** 21n, -1n, 10n ** 40n * 25n + 1n, 10n ** 20n * 2n, 0, '2'],
    ['nothing', 0n, 0n, 2n, 3n, 2, '0.00'],
    ['less than a half of the last place has no sign', 0n, -1n, 2n, 10n ** 9n, 2, '0.00'],
  ])('%s', (_what, a, b, radicand, denominator, decimals, expected) => {
    expect(roundWithRoot(a, b, radicand, denominator, decimals)).toBe(expected);
  });
});
