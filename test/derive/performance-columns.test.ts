import { describe, expect, test } from 'vitest';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { PerformanceFeatures } from '#libs/derive/performance.ts';
import { performanceSeries } from '#libs/derive/performance-series.ts';
import { at, grade } from '../aggregate/build.ts';
import { AS_OF, ago, deriving, exactly, performanceOf } from './build.ts';

/** @throws Error if there is no row */
function features(
  rows: readonly GradeObservation[],
  ...settings: [Parameters<typeof performanceOf>[1]?]
): PerformanceFeatures {
  const result = performanceOf(rows, ...settings);
  if (result === null) throw new Error('the key has no row');
  return result;
}
/** Grades given this many days before, as `value/max`, the max 100 by default. */
const graded = (...grades: readonly (readonly [days: number, grade: string])[]): GradeObservation[] =>
  grades.map(([days, text], index) => {
    const [value = '', max = '100'] = text.split('/');
    return grade(`item ${index}`, value === '-' ? null : value, ago(days), max);
  });
const GRADED = { zeroGrades: 'graded' } as const;

describe('counts of items', () => {
  // Graded 50 and 120 out of 100; not graded; zero; and the two totals that Moodle computes.
  const rows = [
    ...graded([5, '50'], [4, '120'], [3, '-'], [2, '0']),
    grade('course', '0', ago(1)),
    grade('category', '130', ago(1)),
  ];

  test('under ZERO_GRADES=ungraded a zero is ungraded, and counted as a zero', () => {
    expect(features(rows)).toMatchObject({ graded_items: 2, ungraded_items: 2, zero_grades: 1, capped_grades: 1 });
  });

  test('under ZERO_GRADES=graded it is graded, and counted as a zero', () => {
    expect(features(rows, GRADED)).toMatchObject({
      graded_items: 3,
      ungraded_items: 1,
      zero_grades: 1,
      capped_grades: 1,
    });
  });

  test.each([
    ['a grade equal to its max is not capped', '100/100', 0],
    ['a grade above it is', '100.00001/100', 1],
    ['judged as they are held: times 10^5', '100.000004/100', 0],
  ])('%s', (_what, text, capped_grades) => {
    expect(features(graded([1, text]))).toMatchObject({ capped_grades });
  });

  test('an item is counted as it stands now', () => {
    const now = [
      grade('a', '0', ago(5)),
      grade('a', '50', ago(4)),
      grade('b', '120', ago(5)),
      grade('b', null, ago(4)),
    ];
    expect(features(now)).toMatchObject({ graded_items: 1, ungraded_items: 1, zero_grades: 0, capped_grades: 0 });
  });
});

describe('min_grade and max_grade', () => {
  test.each([
    ['one item', [[1, '62.5/75']], '83.33', '83.33'],
    // 1/3, 2/7 = .2857, 1/2
    [
      'in percent, whatever the max',
      [
        [1, '1/3'],
        [2, '2/7'],
        [3, '1/2'],
      ],
      '28.57',
      '50.00',
    ],
    [
      'capped',
      [
        [1, '50'],
        [2, '120'],
      ],
      '50.00',
      '100.00',
    ],
    [
      'not graded does not count',
      [
        [1, '50'],
        [2, '-'],
        [3, '0'],
      ],
      '50.00',
      '50.00',
    ],
    [
      'not by their digits',
      [
        [1, '9'],
        [2, '10'],
      ],
      '9.00',
      '10.00',
    ],
  ] as const)('%s', (_what, grades, min_grade, max_grade) => {
    expect(features(graded(...grades))).toMatchObject({ min_grade, max_grade });
  });

  test('a zero is the least where it counts', () => {
    expect(features(graded([1, '50'], [2, '0']), GRADED)).toMatchObject({ min_grade: '0.00', max_grade: '50.00' });
  });
});

describe('latest_graded_at', () => {
  test('is when the latest item was graded, not when that was repeated', () => {
    const rows = [
      grade('a', '10', ago(9)),
      grade('b', '20', ago(5)),
      grade('b', '20', ago(1)),
      grade('c', null, ago(0)),
    ];
    expect(features(rows)).toMatchObject({ latest_grade: '20.00', latest_graded_at: at(ago(5)) });
  });
});

describe('success_rate and first_assessment_failed ask the pass mark', () => {
  test.each([
    ['at the mark', ['50'], '100.00', false],
    ['just below it', ['49.99999'], '0.00', true],
    ['compared before rounding: 49.999 is shown as 50.00', ['49.999'], '0.00', true],
    ['one of three', ['49', '50', '10'], '33.33', true],
    ['two of three', ['50', '49', '80'], '66.67', false],
    ['in percent of the max', ['1/2', '1/3'], '50.00', false],
    ['above the max', ['3/2'], '100.00', false],
    ['not graded is neither', ['-', '0', '50'], '100.00', false],
  ])('%s', (_what, grades, success_rate, first_assessment_failed) => {
    const rows = graded(...grades.map((text, index) => [20 - index, text] as const));
    expect(features(rows)).toMatchObject({ success_rate, first_assessment_failed });
  });

  test('another mark', () => {
    const rows = graded([2, '59.99'], [1, '60']);
    expect(features(rows, { passMark: exactly('60') })).toMatchObject({
      success_rate: '50.00',
      first_assessment_failed: true,
    });
    expect(features(rows, { passMark: exactly('59.985') })).toMatchObject({
      success_rate: '100.00',
      first_assessment_failed: false,
    });
    expect(features(graded([1, '1/3']), { passMark: exactly('33.333333') })).toMatchObject({ success_rate: '100.00' });
    expect(features(graded([1, '1/3']), { passMark: exactly('33.333334') })).toMatchObject({ success_rate: '0.00' });
  });

  test('a zero fails where it counts', () => {
    expect(features(graded([2, '0'], [1, '50']), GRADED)).toMatchObject({
      success_rate: '50.00',
      first_assessment_failed: true,
    });
  });

  test('the first is that in order of (graded_at, name), by UTF-8 bytes', () => {
    const now = ago(1);
    expect(features([grade('a', '10', now), grade('Z', '90', now)])).toMatchObject({ first_assessment_failed: false });
    expect(features([grade('Ａ', '90', now), grade('😀', '10', now)])).toMatchObject({
      first_assessment_failed: false,
    });
    expect(features([grade('a', '10', ago(2)), grade('Z', '90', now)])).toMatchObject({
      first_assessment_failed: true,
    });
  });
});

describe('grade_ma7 and grade_ma30 are means of the items graded in the window', () => {
  test.each([
    ['the first moment of as of - 6', ago(6, '00:00'), '40.00', '40.00'],
    ['the last moment of as of - 7', ago(7, '23:59:59.999'), null, '40.00'],
    ['the first moment of as of - 29', ago(29, '00:00'), null, '40.00'],
    ['the last moment of as of - 30', ago(30, '23:59:59.999'), null, null],
  ])('%s', (_what, time, grade_ma7, grade_ma30) => {
    expect(features([grade('a', '40', time)])).toMatchObject({ grade_ma7, grade_ma30, avg_grade: '40.00' });
  });

  test('exact up to one rounding', () => {
    // 1/3 and 1/7: 5/21 = .238095…; with 1/2: 41/126 = .325396…
    expect(features(graded([1, '1/3'], [2, '1/7'], [10, '1/2']))).toMatchObject({
      grade_ma7: '23.81',
      grade_ma30: '32.54',
    });
  });

  test('a repeated row does not grade again', () => {
    expect(features([grade('a', '40', ago(40)), grade('a', '40', ago(1))])).toMatchObject({
      grade_ma7: null,
      grade_ma30: null,
    });
  });
});

describe('grade_trend is the least-squares slope over the local day, in points per 30 days', () => {
  test.each<[string, readonly (readonly [number, string])[], string | null]>([
    [
      'two items are too few',
      [
        [20, '50'],
        [0, '70'],
      ],
      null,
    ],
    [
      'six days are too few',
      [
        [6, '50'],
        [3, '60'],
        [0, '70'],
      ],
      null,
    ],
    // 2 points a day.
    [
      'a straight line over seven days',
      [
        [7, '50'],
        [4, '56'],
        [0, '64'],
      ],
      '60.000000',
    ],
    [
      'falling',
      [
        [7, '64'],
        [4, '58'],
        [0, '50'],
      ],
      '-60.000000',
    ],
    [
      'flat',
      [
        [20, '50'],
        [10, '50'],
        [0, '50'],
      ],
      '0.000000',
    ],
    // Days 0, 10, 20 with 50, 80, 60: x - mean is -10, 0, 10: (−500 + 600)/200 = .5 a day.
    [
      'not straight',
      [
        [20, '50'],
        [10, '80'],
        [0, '60'],
      ],
      '15.000000',
    ],
    // Days 0, 1, 7 with 0.. of 1/3, 1/3, 2/3: mean x 8/3; Σ(x−x̄)y = (7−8/3)/3·100 = 144.44…; squares 50 − 64/3 = 86/3;
    // 144.44…·3/86 = 5.0387596…; by 30.
    [
      'of thirds',
      [
        [7, '1/3'],
        [6, '1/3'],
        [0, '2/3'],
      ],
      '151.162791',
    ],
    [
      'capped grades',
      [
        [20, '100'],
        [10, '110'],
        [0, '120'],
      ],
      '0.000000',
    ],
    [
      'ungraded items do not count',
      [
        [20, '50'],
        [10, '-'],
        [5, '0'],
        [0, '70'],
      ],
      null,
    ],
  ])('%s', (_what, grades, expected) => {
    expect(features(graded(...grades)).grade_trend).toBe(expected);
  });

  test('the day counts, not the hour', () => {
    const rows = [
      grade('a', '50', ago(7, '23:59')),
      grade('b', '56', ago(4, '00:00')),
      grade('c', '64', ago(0, '00:00')),
    ];
    expect(features(rows).grade_trend).toBe('60.000000');
  });

  test('zeros count where they are graded', () => {
    // Days 0, 10, 20 with 50, 0, 70: 20 points in 20 days.
    expect(features(graded([20, '50'], [10, '0'], [0, '70']), GRADED).grade_trend).toBe('30.000000');
  });
});

describe('module_grade and passed are of the item course', () => {
  const module = (value: string | null, max = '100', settings: Parameters<typeof performanceOf>[1] = {}) => {
    const { module_grade, passed } = features([grade('course', value, ago(1), max)], settings);
    return [module_grade, passed];
  };

  test.each([
    ['passed', '62.5', '75', ['83.33', true]],
    ['at the mark', '50', '100', ['50.00', true]],
    ['just below it, though shown alike', '49.999', '100', ['50.00', false]],
    ['failed', '1', '3', ['33.33', false]],
    ['capped', '120', '100', ['100.00', true]],
    ['not graded', null, '100', [null, null]],
    ['zero, which is not graded', '0', '100', [null, null]],
  ])('%s', (_what, value, max, expected) => {
    expect(module(value, max)).toEqual(expected);
  });

  test('a zero is failed where it counts', () => {
    expect(module('0', '100', GRADED)).toEqual(['0.00', false]);
  });

  test('the pass mark is asked', () => {
    expect(module('60', '100', { passMark: exactly('60') })).toEqual(['60.00', true]);
    expect(module('59.99', '100', { passMark: exactly('60') })).toEqual(['59.99', false]);
  });

  test('no other item is it', () => {
    expect(features([grade('category', '80', ago(1)), grade('Course total', '90', ago(1))])).toMatchObject({
      module_grade: null,
      passed: null,
      graded_items: 1,
    });
  });

  test('its latest row counts', () => {
    const rows = [grade('course', '80', ago(5)), grade('course', '40', ago(2))];
    expect(features(rows)).toMatchObject({ module_grade: '40.00', passed: false });
  });
});

describe('the series', () => {
  const rows = [
    ...graded([40, '40'], [38, '80'], [9, '60'], [3, '1/3']),
    grade('item 0', '50', ago(5)),
    grade('course', '99', ago(1)),
  ];
  const seriesOf = () => performanceSeries(rows, AS_OF - 40, AS_OF, deriving());

  test('has every day from the first to the day', () => {
    const series = seriesOf();
    expect(series).toMatchObject({ firstDay: AS_OF - 40 });
    expect([series.ma7.length, series.ma30.length]).toEqual([41, 41]);
  });

  test('each with the means as of it, in hundredths', () => {
    const series = seriesOf();
    const on = (days: number) => [series.ma7[40 - days], series.ma30[40 - days]];
    expect(on(40)).toEqual([4_000, 4_000]);
    expect(on(38)).toEqual([6_000, 6_000]); // 40, 80
    expect(on(33)).toEqual([8_000, 6_000]); // the first is out of the week
    expect(on(31)).toEqual([null, 6_000]);
    expect(on(10)).toEqual([null, 8_000]); // the first is out of the thirty days
    expect(on(9)).toEqual([6_000, 7_000]);
    expect(on(8)).toEqual([6_000, 6_000]);
    expect(on(5)).toEqual([5_500, 5_500]); // the first item again, now 50
    expect(on(3)).toEqual([4_778, 4_778]); // 60, 50, 100/3
    expect(on(2)).toEqual([4_167, 4_778]); // 50, 100/3
    expect(on(0)).toEqual([4_167, 4_778]);
  });

  test('the last day is that of the features', () => {
    expect(features(rows)).toMatchObject({ grade_ma7: '41.67', grade_ma30: '47.78' });
  });
});
