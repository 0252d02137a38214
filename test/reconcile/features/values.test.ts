import { describe, expect, test } from 'vitest';
import { SeriesComparison } from '#libs/reconcile/features/series.ts';
import { arrayElements, canonical } from '#libs/reconcile/features/values.ts';

describe('two values are the same exactly if Postgres holds them for the same', () => {
  test.each([
    ['12.50', 'numeric', '12.5'],
    ['0.00', 'numeric', '0'],
    ['-0.00', 'numeric', '0'],
    ['100', 'numeric', '100'],
    ['1200.00', 'numeric', '1200'],
    ['NaN', 'numeric', 'NaN'],
    [7, 'integer', '7'],
    [false, 'boolean', 'false'],
    ['', 'text', ''],
    [1_772_323_200_000, 'timestamptz', '2026-03-01T00:00:00.000Z'],
    [new Date(1_772_323_200_000), 'timestamptz', '2026-03-01T00:00:00.000Z'],
    [Number.POSITIVE_INFINITY, 'timestamptz', 'Infinity'],
    [{ b: 0.5, a: { d: 1, c: null } }, 'jsonb', '{"a":{"c":null,"d":1},"b":0.5}'],
    [[{ b: 1, a: 2 }, 3], 'jsonb', '[{"a":2,"b":1},3]'],
  ] as const)('%j as %s', (value, type, text) => {
    expect(canonical(value, type)).toBe(text);
  });

  test('nothing is null, and no text', () => {
    for (const type of ['integer', 'numeric', 'timestamptz', 'jsonb', 'text', 'boolean'] as const)
      expect(canonical(null, type)).toBeNull();
    expect(canonical('null', 'text')).toBe('null');
    expect(canonical(7n, 'bigint')).toBe('7');
  });

  test('the elements of an array', () => {
    expect(arrayElements('{}')).toEqual([]);
    expect(arrayElements('{1,NULL,-3}')).toEqual(['1', 'NULL', '-3']);
  });
});

describe('series, day by day', () => {
  const DAY = 20_000; // 2024-10-04
  const key = { studentId: 1, courseId: 2 };
  const stored = (firstDay: number, text: string) => ({ ...key, firstDay, texts: { ma7: text } });
  const compare = (wanted: (number | null)[] | null, found: string | null, firstDay = DAY, range = {}) => {
    const days = new SeriesComparison('1/2', range);
    const series = wanted === null ? null : { firstDay: DAY, ma7: wanted };
    days.compare('s', { ma7: 'integer[]' }, series, found === null ? undefined : stored(firstDay, found));
    return {
      equal: days.equal.get('s.ma7') ?? 0,
      found: days.findings.map(({ deviation, count, example }) => [deviation, count, example?.key, example?.kind]),
    };
  };

  test('equal ones are counted by their days', () => {
    expect(compare([1, null, 3], '{1,NULL,3}')).toEqual({ equal: 3, found: [] });
    expect(compare(null, null)).toEqual({ equal: 0, found: [] });
    expect(compare([1, 2, 3], '{1,2,3}', DAY, { from: DAY + 1, to: DAY + 1 })).toEqual({ equal: 1, found: [] });
  });

  test('a day that differs, and one that nobody knows anything of', () => {
    expect(compare([1, null, 3], '{1,0,3}')).toEqual({
      equal: 2,
      found: [['mismatched', 1, '1/2/2024-10-05', 'value differs']],
    });
  });

  test('days before and after', () => {
    expect(compare([1, 2], '{9,1,2,9}', DAY - 1)).toEqual({
      equal: 2,
      found: [
        ['extra', 1, '1/2/2024-10-03', 'row extra'],
        ['extra', 1, '1/2/2024-10-06', 'row extra'],
      ],
    });
    expect(compare([1, 2], '{1}')).toEqual({ equal: 1, found: [['missing', 1, '1/2/2024-10-05', 'row missed']] });
  });

  test('a whole series', () => {
    expect(compare([1, 2], null)).toEqual({ equal: 0, found: [['missing', 2, '1/2', 'row missed']] });
    expect(compare(null, '{1,2,3}')).toEqual({ equal: 0, found: [['extra', 3, '1/2', 'row extra']] });
  });

  test('a range leaves the other days out', () => {
    expect(compare([1, 2, 3], '{0,2,0}', DAY, { from: DAY + 1, to: DAY + 2 })).toEqual({
      equal: 1,
      found: [['mismatched', 1, '1/2/2024-10-06', 'value differs']],
    });
    expect(compare([1, 2, 3], null, DAY, { to: DAY - 1 })).toEqual({ equal: 0, found: [] });
  });
});
