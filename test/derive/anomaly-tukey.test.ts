import { describe, expect, test } from 'vitest';
import { featuresOf, grades, grading, item, openOn, shown } from './anomaly-build.ts';

const outlier = (...list: readonly string[]) => featuresOf(grading(...grades(...list))).grade_outlier;

describe('grade_outlier: strictly beyond Q ∓ max(1.5·IQR, 10 points)', () => {
  test.each<[string, readonly string[], object | null]>([
    // In order x 70 75 80 85: quartiles at places 1 and 3, 70 and 80; 1.5·10 = 15: fences 55 and 95.
    ['at the lower fence', ['70', '75', '55', '80', '85'], null],
    [
      'below it',
      ['70', '75', '54.99999', '80', '85'],
      { item: 'c', value: 55, baseline: 70, threshold: 55, severity: 'low' },
    ],
    // In order 70 75 80 85 x: 75 and 85; 15: 60 and 100. There is no grade above 100, so in order 20 30 35 40 x: 30, 40, 55.
    ['at the upper fence', ['20', '30', '35', '55', '40'], null],
    [
      'above it',
      ['20', '30', '35', '55.00001', '40'],
      { item: 'd', value: 55, baseline: 40, threshold: 55, severity: 'low' },
    ],
    // Quartiles at places 1.25 and 3.75 of 10 62 64 70 74 78: 62 + 0.5 and 70 + 3; 1.5·10.5 = 15.75.
    [
      'quartiles between two grades',
      ['62', '10', '64', '70', '74', '78'],
      { value: 10, baseline: 62.5, threshold: 46.75 },
    ],
    // At 1.5 and 4.5 of 10 60 62 64 70 74 78: 61 and 72; 1.5·11 = 16.5.
    ['halfway', ['60', '62', '10', '64', '70', '74', '78'], { value: 10, baseline: 61, threshold: 44.5 }],
    // Fences at 60 − 10 and 62 + 10 instead of 3 points away.
    ['of close grades, ten points decide', ['60', '60', '62', '62', '72'], null],
    ['and more', ['60', '60', '62', '62', '72.00001'], { item: 'e', baseline: 62, threshold: 72 }],
    ['of identical grades too', ['80', '80', '80', '80', '70'], null],
    [
      'and less',
      ['80', '80', '80', '80', '69.99'],
      { item: 'e', value: 69.99, baseline: 80, threshold: 70, severity: 'low' },
    ],
    ['identical grades', ['80', '80', '80', '80', '80'], null],
    [
      'the first item, a third of a point',
      ['1/3', '80', '80', '80', '80'],
      { item: 'a', value: 33.33, severity: 'high' },
    ],
  ])('%s', (_what, list, shape) => {
    expect(outlier(...list)).toEqual(shape && expect.objectContaining({ method: 'tukey', ...shape }));
    expect(openOn(grading(...grades(...list))).includes('grade_outlier')).toBe(shape !== null);
  });

  test.each([
    ['65.00001', 'low'],
    ['65', 'medium'],
    ['60.00001', 'medium'],
    ['60', 'high'],
  ])('severity is of |value − quartile| / |fence − quartile|: %s is %s', (grade, severity) => {
    expect(outlier('80', '80', '80', '80', grade)?.severity).toBe(severity);
  });
});

describe('of several, the farthest is shown', () => {
  const EIGHT = ['60', '60', '60', '60', '60', '60', '60', '60'];

  test('whichever came first, above or below', () => {
    expect(outlier('30', ...EIGHT, '80')).toMatchObject({ item: 'a', value: 30 });
    expect(outlier('80', ...EIGHT, '30')).toMatchObject({ item: 'j', value: 30 });
    expect(outlier('95', ...EIGHT, '30')).toMatchObject({ item: 'a', value: 95, threshold: 70 });
  });

  test('of equally far ones the latest', () => {
    expect(outlier('30', ...EIGHT, '30')).toMatchObject({ item: 'j' });
    expect(outlier('30', ...EIGHT, '90')).toMatchObject({ item: 'j', value: 90 });
    expect(outlier('90', ...EIGHT, '30')).toMatchObject({ item: 'j', value: 30 });
  });

  test('distances are of fractions: 1/3 lies farther than 33.33 of 100', () => {
    expect(outlier(...EIGHT, '1/3', '33.33334')).toMatchObject({ item: 'i' });
    expect(outlier(...EIGHT, '1/3', '33.33333')).toMatchObject({ item: 'j' });
  });
});

describe('needs five graded items, and one of the last 30 days', () => {
  test('four are too few', () => {
    expect(outlier('80', '80', '80', '10')).toBeNull();
    expect(featuresOf(grading(...grades('80', '80', '80', '10'))).unsupported).toContain('grade_outlier');
    expect(featuresOf(grading(...grades('80', '80', '80', '80', '10'))).unsupported).not.toContain('grade_outlier');
  });

  const steady = [54, 53, 52, 51, 50, 49, 48, 47].map((daysAgo) => item(`s${daysAgo}`, '80', daysAgo));

  test('an older one counts for the quartiles alone', () => {
    expect(featuresOf(grading(...steady, item('x', '10', 29))).grade_outlier).toMatchObject({
      item: 'x',
      since: shown(29),
    });
    const old = grading(...steady, item('x', '10', 30));
    expect(featuresOf(old).grade_outlier).toBeNull();
    expect(featuresOf(old).unsupported).not.toContain('grade_outlier');
    expect(openOn(old)).toEqual([]);
  });

  test('a nearer one is shown once the farthest is old', () => {
    const both = (older: number) => grading(...steady, item('x', '10', older), item('y', '40', 5));
    expect(featuresOf(both(29)).grade_outlier).toMatchObject({ item: 'x', value: 10 });
    // The flag has been open since x was given: it is one run, whichever item is shown.
    expect(featuresOf(both(30)).grade_outlier).toMatchObject({ item: 'y', value: 40, since: shown(30) });
  });
});
