import { describe, expect, test } from 'vitest';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { CompletionState } from '#libs/clean/metadata.ts';
import { performanceSeries } from '#libs/derive/performance-series.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import type { DeriveContext, FamilyDefinition, FamilyKinds } from '#libs/families/family.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { completion, grade, view } from '../aggregate/build.ts';
import { testSettings } from '../support/settings.ts';
import { AS_OF, ago, deriving } from './build.ts';

/** More than a call accepts as arguments, and too many to compare each with all others. */
const ROWS = 200_000;
const DAYS = 360;
const MINUTES_BETWEEN = (DAYS * 1440) / ROWS;

const coverage = Array.from({ length: 9 }, () => AS_OF - DAYS);
const context: DeriveContext = {
  today: AS_OF,
  asOf: AS_OF,
  coverage,
  courseFirstFact: AS_OF - DAYS,
  otherFirstDay: null,
};

function derive<K extends FamilyKinds>(family: FamilyDefinition<K>, rows: K['rows']): K['features'] | undefined {
  const facts = family.facts(rows, AS_OF);
  family.evidence(rows, facts, AS_OF);
  return family.derive(rows, facts, context, testSettings().deriving)?.features;
}

const START = (AS_OF - DAYS) * MS_PER_DAY;
const time = (n: number): string =>
  new Date(START + Math.floor(n * MINUTES_BETWEEN) * 60_000).toISOString().slice(0, 19);
const rows = <T>(row: (n: number) => T): T[] => Array.from({ length: ROWS }, (_, n) => row(n));

describe('200,000 rows of one key are derived', () => {
  test.each([
    ['of 100 items that never change', (n: number) => grade(`Item ${n % 100}`, '50', time(n))],
    ['of 100 items that change each time', (n: number) => grade(`Item ${n % 100}`, String(1 + (n % 89)), time(n))],
    ['of one item', (n: number) => grade('Item', '50', time(n))],
  ])('grades %s', (_what, row) => {
    expect(derive(performanceFamily, rows(row))).toMatchObject({ graded_items: row(1).item === 'Item' ? 1 : 100 });
  });

  test('each the only one of its item', () => {
    const features = derive(
      performanceFamily,
      rows((n) => grade(`Item ${n}`, '50', '2026-03-20')),
    );
    expect(features).toMatchObject({ graded_items: ROWS, avg_grade: '50.00' });
  });

  test.each<[string, (n: number) => ActivityObservation, object]>([
    ['completions', (n) => completion(time(n), (n % 2) as CompletionState), { activities_completed: 1 }],
    ['events', (n) => view(time(n), `r${n % 1000}`, 1 + (n % 5)), { resources_viewed_count: 1000 }],
  ])('%s', (_what, row, expected) => {
    expect(derive(engagementFamily, { enrollments: [], activities: rows(row) })).toMatchObject(expected);
  });
});

test('a row costs the daily means the same, however many items are graded on other days', () => {
  const reads = (n: number): number => {
    let count = 0;
    const counted = (row: GradeObservation): GradeObservation =>
      new Proxy(row, {
        get: (target, name) => {
          count += 1;
          return Reflect.get(target, name);
        },
      });
    const all = Array.from({ length: n }, (_, index) => counted(grade(`Item ${index}`, '50', ago(n - index))));
    performanceSeries(all, AS_OF - n, AS_OF, deriving());
    return count;
  };
  expect(reads(200)).toBe(2 * reads(100));
});
