import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { earlierDay, formatDay, laterDay, parseDay } from '#libs/domain/local-date.ts';

describe('days', () => {
  // 30 years from 1970 hold 7 leap days (72, 76, 80, 84, 88, 92, 96): 30·365 + 7 = 10957. 26 more years to 2026 hold 7
  // (2000, 04, 08, 12, 16, 20, 24): 56·365 + 14 = 20454; March 20 is the 79th day of a plain year: + 78.
  test.each([
    ['1970-01-01', 0],
    ['1970-01-02', 1],
    ['1969-12-31', -1],
    ['2000-01-01', 10_957],
    ['2000-02-29', 10_957 + 31 + 28],
    ['2026-03-20', 20_454 + 78],
  ])('%s is day %d, both ways', (text, day) => {
    expect(parseDay(text)).toBe(day);
    expect(formatDay(day)).toBe(text);
  });

  test.each([
    ['a leap day in a plain year', '2026-02-29'],
    ['a leap day in a century that has none', '2100-02-29'],
    ['the 31st of a shorter month', '2026-04-31'],
    ['month 13', '2026-13-01'],
    ['month 0', '2026-00-10'],
    ['day 0', '2026-01-00'],
    ['a day without its zero', '2026-1-02'],
    ['a time behind it', '2026-01-02T00:00'],
    ['white space', ' 2026-01-02'],
    ['another order', '02-01-2026'],
    ['nothing', ''],
  ])('%s is refused', (_what, text) => {
    expect(() => parseDay(text)).toThrow(RangeError);
  });

  test('text and number round-trip over two centuries', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_957, max: 84_006 }), (day) => {
        expect(parseDay(formatDay(day))).toBe(day);
      }),
    );
  });

  test('the earlier and the later of two, where null is none', () => {
    expect([earlierDay(3, 5), earlierDay(5, 3), earlierDay(null, 3), earlierDay(3, null)]).toEqual([3, 3, 3, 3]);
    expect([laterDay(3, 5), laterDay(5, 3), laterDay(null, 5), laterDay(5, null)]).toEqual([5, 5, 5, 5]);
    expect([earlierDay(null, null), laterDay(null, null)]).toEqual([null, null]);
    expect([earlierDay(0, 4), laterDay(-4, 0)]).toEqual([0, 0]);
  });
});
