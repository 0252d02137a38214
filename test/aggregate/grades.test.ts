import { describe, expect, test } from 'vitest';
import { COVERAGE_KINDS, firstDayOf } from '#libs/aggregate/coverage.ts';
import { gradeEvidence, gradeFacts, gradesByDay } from '#libs/aggregate/grades.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { formatScaled } from '#libs/domain/rational.ts';
import { openZone } from '#libs/domain/zone.ts';
import { at, day, grade } from './build.ts';

const TODAY = day('2026-03-20');
const text = (of: LocalDay | null): string | null => (of === null ? null : formatDay(of));
const number = (value: bigint): string => formatScaled(value, 5).replace(/\.?0+$/, '');

/** `value/max @day of March` for each fact, in order. */
function heldBy(rows: readonly GradeObservation[], asOf: LocalDay = TODAY): string[] {
  const show = (facts: ReturnType<typeof gradeFacts>): string[] =>
    facts.map(
      (fact) =>
        `${fact.value === null ? 'null' : number(fact.value)}/${number(fact.max)} @${Number(formatDay(fact.day).slice(8))}`,
    );
  const held = show(gradeFacts(rows, asOf));
  // No fact depends on the order of arrival, or on how often a row occurs.
  expect(show(gradeFacts([...rows, ...rows].toReversed(), asOf))).toEqual(held);
  return held;
}
const march = (n: number, time = '12:00'): string => `2026-03-${String(n).padStart(2, '0')}T${time}`;
const essay = (value: string | null, n: number, max = '100'): GradeObservation => grade('Essay', value, march(n), max);

describe('value and max', () => {
  test.each([
    ['are those of the latest row', [essay('50', 1), essay('70', 3), essay('60', 2)], ['70/100 @3']],
    ['may fall again', [essay('70', 1), essay('50', 2)], ['50/100 @2']],
    ['may become not graded again', [essay('70', 1), essay(null, 2)], ['null/100 @2']],
    ['at equal times are those of the greatest value', [essay('50', 1), essay('70', 1), essay('60', 1)], ['70/100 @1']],
    [
      'at equal times and values, those of the greatest max',
      [essay('50', 1, '75'), essay('50', 1, '200')],
      ['50/200 @1'],
    ],
    ['value goes before max', [essay('50', 1, '200'), essay('51', 1, '60')], ['51/60 @1']],
    ['null is least', [essay(null, 1, '200'), essay('0', 1, '60')], ['0/60 @1']],
    ['of two nulls the greater max holds', [essay(null, 1, '50'), essay(null, 1, '60')], ['null/60 @1']],
    ['numbers are compared, not their digits', [essay('9', 1), essay('10', 1)], ['10/100 @1']],
  ])('%s', (_what, rows, expected) => {
    expect(heldBy(rows)).toEqual(expected);
  });
});

describe('graded_at is the earliest row with that same value and max', () => {
  test.each([
    ['the first of a run of repeats', [essay('50', 1), essay('50', 5), essay('50', 9)], ['50/100 @1']],
    [
      'the first of all, also of a run that was interrupted',
      [essay('50', 1), essay('60', 2), essay('50', 3)],
      ['50/100 @1'],
    ],
    ['another value does not count', [essay('60', 1), essay('50', 2), essay('50', 3)], ['50/100 @2']],
    ['another max does not count', [essay('50', 1, '75'), essay('50', 2), essay('50', 3)], ['50/100 @2']],
    ['equal in percent is not equal', [essay('25', 1, '50'), essay('50', 2)], ['50/100 @2']],
    ['not graded is a value too', [essay(null, 1), essay('60', 2), essay(null, 3)], ['null/100 @1']],
    ['a row that another of its time outranks counts', [essay('50', 1), essay('70', 1), essay('50', 2)], ['50/100 @1']],
    ['another item does not count', [grade('Quiz', '50', march(1)), essay('50', 2)], ['50/100 @1', '50/100 @2']],
  ])('%s', (_what, rows, expected) => {
    expect(heldBy(rows)).toEqual(expected);
  });

  test('to the millisecond', () => {
    const rows = [grade('Essay', '50', '2026-03-01T12:00:00.001'), grade('Essay', '50', '2026-03-01T12:00:00.002')];
    expect(gradeFacts(rows, TODAY)).toMatchObject([{ gradedAt: at('2026-03-01T12:00:00.001') }]);
  });
});

describe('as of a day', () => {
  const rows = [essay('50', 1), essay('60', 2), essay('50', 3)];

  test.each([
    ['2026-02-28', []],
    ['2026-03-01', ['50/100 @1']],
    ['2026-03-02', ['60/100 @2']],
    ['2026-03-03', ['50/100 @1']],
  ])('%s: from the rows dated on or before it alone', (asOf, expected) => {
    expect(heldBy(rows, day(asOf))).toEqual(expected);
  });

  test('repeats of the day itself count: the earliest of them graded', () => {
    const repeats = [grade('Essay', '50', march(5, '08:00')), grade('Essay', '50', march(5, '10:00'))];
    expect(gradeFacts(repeats, day('2026-03-05'))).toMatchObject([{ gradedAt: at(march(5, '08:00')) }]);
  });

  test('a row dated after it does not grade, though it is the earlier one', () => {
    // In St. John's the 7th of November 2010 began at 02:30Z; at 02:31Z the clock went back to 23:01 of the 6th.
    const inStJohns = (time: string): GradeObservation => ({
      ...grade('Essay', '50', time),
      day: openZone('America/St_Johns').dayOf(at(time)),
    });
    const rows = [inStJohns('2010-11-07T02:30:30'), inStJohns('2010-11-07T02:40')];
    expect(gradeFacts(rows, day('2010-11-06'))).toMatchObject([{ gradedAt: at('2010-11-07T02:40') }]);
    expect(gradeFacts(rows, day('2010-11-07'))).toMatchObject([{ gradedAt: at('2010-11-07T02:30:30') }]);
  });

  test('the last millisecond of the day is of it', () => {
    expect(heldBy([grade('Essay', '50', '2026-03-01T23:59:59.999')], day('2026-03-01'))).toHaveLength(1);
    expect(heldBy([grade('Essay', '50', '2026-03-02T00:00')], day('2026-03-01'))).toHaveLength(0);
  });
});

describe('rows by their days', () => {
  test('are those dated on or before a day, the earliest first', () => {
    const rows = [12, 10, 11, 12, 13].map((n) => essay('80', n));
    expect(gradesByDay(rows, day('2026-03-12')).map(([of, { length }]) => [text(of), length])).toEqual([
      ['2026-03-10', 1],
      ['2026-03-11', 1],
      ['2026-03-12', 2],
    ]);
  });
});

describe('the order of items', () => {
  const names = (...rows: readonly GradeObservation[]): string[] => gradeFacts(rows, TODAY).map((fact) => fact.item);

  test('is that of graded_at', () => {
    expect(names(grade('a', '1', march(3)), grade('b', '1', march(1)), grade('c', '1', march(2)))).toEqual([
      'b',
      'c',
      'a',
    ]);
  });

  test('of one time, that of their bytes in UTF-8', () => {
    // First bytes: 5A, 61, 61 61, 61 CC, 7A, C3 A9, EF BC A1, F0 9F 98 80. In UTF-16, 😀 (D83D) would come before Ａ (FF21).
    const sorted = ['Z', 'a', 'aa', 'a\u0301', 'z', 'é', 'Ａ', '😀'];
    expect(names(...sorted.toReversed().map((name) => grade(name, '1', march(1))))).toEqual(sorted);
  });

  test('graded_at counts, not the time of the latest repeat', () => {
    const rows = [grade('a', '1', march(1)), grade('b', '1', march(2)), grade('a', '1', march(9))];
    expect(names(...rows)).toEqual(['a', 'b']);
  });
});

describe('what grades say of the course', () => {
  const factDays = (...rows: readonly GradeObservation[]): (string | null)[] => {
    const { firstFact, lastFact } = gradeEvidence(rows, TODAY);
    return [text(firstFact), text(lastFact)];
  };

  test.each([
    ['nothing', [], [null, null]],
    ['the first row of an item', [essay('50', 5)], ['2026-03-05', '2026-03-05']],
    ['also if it is not graded yet', [essay(null, 5)], ['2026-03-05', '2026-03-05']],
    ['not repeats', [essay('50', 5), essay('50', 9), essay('50', 12)], ['2026-03-05', '2026-03-05']],
    ['a change of value', [essay('50', 5), essay('60', 9)], ['2026-03-05', '2026-03-09']],
    ['a change of max', [essay('50', 5), essay('50', 9, '75')], ['2026-03-05', '2026-03-09']],
    ['a change to not graded', [essay('50', 5), essay(null, 9)], ['2026-03-05', '2026-03-09']],
    ['a change back', [essay('50', 5), essay('60', 7), essay('50', 9)], ['2026-03-05', '2026-03-09']],
    ['each item for itself', [essay('50', 5), grade('Quiz', '50', march(9))], ['2026-03-05', '2026-03-09']],
    ['the course item too', [grade('course', '50', march(9))], ['2026-03-09', '2026-03-09']],
    ['of one time the row that holds', [essay('50', 5), essay('50', 9), essay('40', 9)], ['2026-03-05', '2026-03-05']],
    [
      'of one time the row that holds, changed',
      [essay('50', 5), essay('50', 9), essay('60', 9)],
      ['2026-03-05', '2026-03-09'],
    ],
    ['today', [essay('50', 20)], ['2026-03-20', '2026-03-20']],
    ['nothing after today', [essay('50', 5), essay('60', 21)], ['2026-03-05', '2026-03-05']],
    ['nothing at all of tomorrow', [essay('50', 21)], [null, null]],
  ])('%s', (_what, rows, expected) => {
    expect(factDays(...rows)).toEqual(expected);
    expect(factDays(...rows.toReversed(), ...rows)).toEqual(expected);
  });

  test('grades cover no kind of activity', () => {
    const { firstDays } = gradeEvidence([essay('50', 5)], TODAY);
    expect(COVERAGE_KINDS.filter((kind) => firstDayOf(firstDays, kind) !== null)).toEqual([]);
  });

  test('the next day to look again is that of the first row after today', () => {
    const next = (...rows: readonly GradeObservation[]): string | null => text(gradeEvidence(rows, TODAY).nextDay);
    expect(next(essay('1', 25), essay('2', 22), essay('3', 20))).toBe('2026-03-22');
    expect(next(essay('3', 20))).toBeNull();
    expect(next()).toBeNull();
  });

  test("the key's first day is that of its first grade row, whatever it says", () => {
    const first = (...rows: readonly GradeObservation[]): string | null => text(gradeEvidence(rows, TODAY).firstDay);
    expect(first(essay('50', 9), essay(null, 5), grade('course', '50', march(7)))).toBe('2026-03-05');
    expect(first(essay('50', 20))).toBe('2026-03-20');
    expect(first(essay('50', 21))).toBeNull();
    expect(first()).toBeNull();
  });
});
