import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  commonMultiple,
  floorToScaled,
  formatScaled,
  parseScaled,
  roundRatio,
  roundToScaled,
} from '#libs/domain/rational.ts';

const magnitude = (n: bigint): bigint => (n < 0n ? -n : n);

describe('a quotient is rounded once, half away from zero', () => {
  test.each([
    [1n, 3n, 2, '0.33'],
    [2n, 3n, 2, '0.67'],
    [1n, 8n, 2, '0.13'], // 0.125
    [-1n, 8n, 2, '-0.13'],
    [1n, -8n, 2, '-0.13'],
    [-1n, -8n, 2, '0.13'],
    [3n, 8n, 2, '0.38'], // 0.375: half to even would agree, half down would not
    [5n, 2n, 0, '3'], // half to even would say 2
    [-5n, 2n, 0, '-3'],
    [1n, 3n, 0, '0'],
    [124_999n, 1_000_000n, 2, '0.12'],
    [-124_999n, 1_000_000n, 2, '-0.12'],
    [14_449n, 10_000n, 1, '1.4'], // rounded in steps, by way of 1.445 and 1.45, it would become 1.5
    [100n, 1n, 2, '100.00'],
  ])('%d / %d to %d decimals is %s', (numerator, denominator, decimals, expected) => {
    expect(roundRatio(numerator, denominator, decimals)).toBe(expected);
  });

  test.each([
    [0n, 7n],
    [0n, -7n],
    [-1n, 1000n],
    [1n, -1000n],
  ])('%d / %d to 2 decimals is zero without a sign', (numerator, denominator) => {
    expect(roundRatio(numerator, denominator, 2)).toBe('0.00');
  });

  test('numbers far beyond 2^64 keep every digit', () => {
    expect(roundRatio(10n ** 60n, 3n, 2)).toBe(`${'3'.repeat(60)}.33`);
    expect(roundRatio(-2n * 10n ** 60n, 3n, 2)).toBe(`-${'6'.repeat(60)}.67`);
    // One part in 10^60 below the half is below it.
    expect(roundRatio(5n * 10n ** 59n - 1n, 10n ** 60n, 0)).toBe('0');
    expect(roundRatio(5n * 10n ** 59n, 10n ** 60n, 0)).toBe('1');
  });

  test('the result is never further than half a unit, and at exactly half it is the one further from zero', () => {
    const any = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    // Small denominators often produce ties.
    const divisor = fc.oneof(any, fc.bigInt({ min: -16n, max: 16n })).filter((n) => n !== 0n);
    fc.assert(
      fc.property(any, divisor, fc.integer({ min: 0, max: 6 }), (numerator, denominator, decimals) => {
        const exact = numerator * 10n ** BigInt(decimals);
        const product = roundToScaled(numerator, denominator, decimals) * denominator;
        const error = 2n * magnitude(exact - product);
        expect(error <= magnitude(denominator)).toBe(true);
        if (error === magnitude(denominator)) expect(magnitude(product) > magnitude(exact)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('scaled integers as decimal text', () => {
  test.each([
    [0n, 0, '0'],
    [7n, 0, '7'],
    [-7n, 0, '-7'],
    [0n, 2, '0.00'],
    [5n, 2, '0.05'],
    [-5n, 2, '-0.05'],
    [123n, 2, '1.23'],
    [-123_456n, 5, '-1.23456'],
    [2n ** 63n - 1n, 5, '92233720368547.75807'],
  ])('%d with %d decimals is %s', (scaled, decimals, expected) => {
    expect(formatScaled(scaled, decimals)).toBe(expected);
  });

  test('are read back as they were', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 0, max: 12 }), (scaled, decimals) => {
        expect(parseScaled(formatScaled(scaled, decimals), decimals)).toBe(scaled);
      }),
    );
  });
});

describe('decimal text as a scaled integer', () => {
  test.each([
    ['12.5', 5, 1_250_000n],
    ['-3', 5, -300_000n],
    ['+3', 0, 3n],
    ['.5', 1, 5n],
    ['007', 0, 7n],
    ['0.000005', 5, 1n], // 0.5 of a unit
    ['-0.000005', 5, -1n],
    ['0.000004', 5, 0n],
    ['-0.000004', 5, 0n],
    ['0.00000499999999999999999999', 5, 0n],
    ['49.999995', 5, 5_000_000n],
    ['33.33333', 5, 3_333_333n],
    ['0.3', 6, 300_000n],
  ])('%s with %d decimals is %d', (text, decimals, expected) => {
    expect(parseScaled(text, decimals)).toBe(expected);
  });

  test.each([
    ['1E+2', 5, 10_000_000n],
    ['1e2', 0, 100n],
    ['1.5e-1', 2, 15n],
    ['5e-6', 5, 1n],
    ['4E-6', 5, 0n],
    ['-25e-1', 0, -3n],
    ['1e-400', 5, 0n],
  ])('%s, with an exponent, with %d decimals is %d', (text, decimals, expected) => {
    expect(parseScaled(text, decimals)).toBe(expected);
  });

  test('a number of any size keeps its digits', () => {
    expect(parseScaled('9'.repeat(400), 5)).toBe(BigInt(`${'9'.repeat(400)}00000`));
    expect(parseScaled('1e400', 0)).toBe(10n ** 400n);
    expect(parseScaled('92233720368547.75807', 5)).toBe(2n ** 63n - 1n);
  });

  test.each([
    '',
    '.',
    '-',
    '+',
    'e5',
    '.e1',
    'NaN',
    'Infinity',
    '-Infinity',
    'abc',
    '1,5',
    '0x10',
    ' 1',
    '1 ',
    '1e',
    '1e1.5',
    '--1',
    '1_000',
    '1.2.3',
  ])('"%s" is no number', (text) => {
    expect(parseScaled(text, 5)).toBeUndefined();
  });
});

describe('decimal text cut to a scaled integer', () => {
  test.each([
    ['1.9999', 3, 1999n],
    ['-1.9991', 3, -2000n], // the floor, not towards zero
    ['-2', 3, -2000n],
    ['0.0009', 3, 0n],
    ['-0.0001', 3, -1n],
    ['1.7739648e9', 3, 1_773_964_800_000n],
  ])('%s with %d decimals is %d', (text, decimals, expected) => {
    expect(floorToScaled(text, decimals)).toBe(expected);
  });

  test.each(['', 'NaN', 'Infinity', '1,5'])('"%s" is no number', (text) => {
    expect(floorToScaled(text, 3)).toBeUndefined();
  });
});

test.each([
  [1n, 1n, 1n],
  [4n, 6n, 12n],
  [3n, 7n, 21n],
  [10_000_000n, 7_500_000n, 30_000_000n],
  [2n ** 63n - 1n, 2n ** 63n - 1n, 2n ** 63n - 1n],
  [2n ** 62n, 3n, 3n * 2n ** 62n],
])('the least common multiple of %d and %d is %d', (a, b, expected) => {
  expect(commonMultiple(a, b)).toBe(expected);
  expect(commonMultiple(b, a)).toBe(expected);
});
