import { expect, test } from 'vitest';
import { COVERAGE_KINDS, type CoverageKind } from '#libs/aggregate/coverage.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import { type CourseOnDay, courseOn } from '#libs/dataset/course-days.ts';
import { daysOn, evidenceOn, featuresOn, type RowsOfKey } from '#libs/dataset/key-rows.ts';
import { sourceOn } from '#libs/derive/attention/missing-work.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { COLUMN_NAMES, columnOf, type Explained, explainColumn } from '#libs/explain/explanation.ts';
import { groundsOf } from '#libs/explain/grounds.ts';
import type { SourceRows } from '#libs/explain/source-rows.ts';
import { anomalyKey } from '#libs/families/anomaly.ts';
import { classOf } from '#libs/families/course-class.ts';
import { sampleKeys } from '../features/sample.ts';
import { testSettings } from '../support/settings.ts';
import { RECOMPUTED } from './recompute.ts';

/* The sample's keys in eight courses, some of which collect less than others. */

const { keys, today } = sampleKeys();
const base = testSettings();
// Among drawn rows few hand in the same item.
const settings = { ...base, deriving: { ...base.deriving, expectedShare: 10 } };

interface Course {
  readonly keys: readonly RowsOfKey[];
  readonly course: CourseOnDay;
  readonly numbers: ClassNumbers | null;
}

function courseOf(own: readonly RowsOfKey[], n: number, on: number): Course {
  const whole = courseOn(
    on,
    own.flatMap((rows) => evidenceOn(rows, on)),
  );
  const without = (kind: CoverageKind, index: number): boolean =>
    n % 2 === 1 ? (index + n) % 3 === 0 : n === 2 && kind === 'course_event';
  const coverage = COVERAGE_KINDS.map((kind, index) => (without(kind, index) ? null : (whole.coverage[index] ?? null)));
  const course = { ...whole, coverage };
  const { asOf, courseFirstFact: firstFact } = course;
  const members = own.map((rows) =>
    anomalyKey(daysOn(rows, course, settings).stored, asOf, coverage, settings.deriving),
  );
  return {
    keys: own,
    course,
    numbers: classOf(members, { coveredFrom: coverage, firstFact, asOf }, settings.deriving),
  };
}

const courses = Array.from({ length: 8 }, (_, n) =>
  courseOf(
    keys.filter((_, index) => index % 8 === n),
    n,
    today - (n % 3) * 4,
  ),
);

const sourceOf = ({ engagement, grades }: RowsOfKey): SourceRows => {
  const named = <O>(rows: readonly O[], kind: string) => rows.map((read, n) => ({ id: `${kind}${1000 + n}`, read }));
  return {
    enrollments: named(engagement.enrollments, 'e'),
    activity_logs: named(engagement.activities, 'a'),
    grades: named(grades, 'g'),
  };
};

/** Each key with the steps between its rows and its features, and the rows that the roles would store. */
const inHand = courses.flatMap(({ keys: own, course, numbers }) =>
  own.map((rows) => {
    const { engagement, performance, anomaly } = featuresOn(rows, course, numbers, settings);
    const row = { ...anomaly, ...performance, ...engagement } as Readonly<Record<string, unknown>>;
    return { source: sourceOf(rows), grounds: groundsOf(rows, course, numbers, settings), row, numbers };
  }),
);

/** Every existing explanation of a column, with the value that the roles derive. */
function explained(name: string): { readonly value: unknown; readonly of: Explained }[] {
  const column = columnOf(name);
  if (column === undefined) throw new Error(`there is no ${name}`);
  return inHand.flatMap(({ source, grounds, row }) => {
    const of = explainColumn(column, source, grounds);
    return of === null ? [] : [{ value: name in row ? row[name] : of.value, of }];
  });
}

test('every column of the catalogue can be explained', () => {
  const missing = COLUMN_NAMES.filter((name) => !(name in RECOMPUTED));
  expect(missing, 'write in test/explain/recompute.ts how it follows from its parts').toEqual([]);
  expect(Object.keys(RECOMPUTED).sort()).toEqual([...COLUMN_NAMES].sort());
});

test.each(COLUMN_NAMES)('%s follows from its parts, and is what the roles derive', (name) => {
  const all = explained(name);
  const recompute = RECOMPUTED[name];
  const values = new Set(all.map(({ value }) => JSON.stringify(value)));
  expect(values.size, 'values that can be told apart').toBeGreaterThan(1);
  for (const { value, of } of all) {
    expect(of.value).toEqual(value);
    // As they are sent.
    const parts = JSON.parse(JSON.stringify(of.parts));
    expect(recompute?.(parts), JSON.stringify(parts)).toEqual(value);
  }
});

test('what is said to close attention would close it, and each change of a score is one for the better', () => {
  const effects = (name: string): string[] =>
    explained(name).flatMap(({ of }) => of.would_change.map(({ effect }) => effect));
  expect(effects('attention')).toContainEqual(expect.stringMatching(/^\d → \d points: attention closes$/));
  expect(effects('attention')).toContain('attention opens');
  expect(effects('inactivity')).toEqual(expect.arrayContaining(['opens', 'closes']));
  expect(effects('engagement_score').every((effect) => /^\+\d+\.\d\d$/.test(effect))).toBe(true);
  expect(effects('engagement_score').some((effect) => effect !== '+0.00')).toBe(true);
});

test('to hand in what is missing comes to the points that are said', () => {
  const attention = columnOf('attention');
  if (attention === undefined) throw new Error('there is no attention');
  let tried = 0;
  for (const { source, grounds, numbers } of inHand) {
    const { asOf, course, rows } = grounds;
    if (sourceOn(numbers, asOf) !== 'submission') continue;
    const said = explainColumn(attention, source, grounds)?.would_change ?? [];
    for (const { change_code, values } of said.filter(({ change_code: code }) => code === 'handed_in')) {
      const handIn = {
        ...{ kind: 'event', type: 'submission', siteAccess: false, resource: String(values['item']), eventId: null },
        ...{ duration: 0, dueAt: null, at: asOf * MS_PER_DAY, day: asOf, hour: 12 },
      } as unknown as ActivityObservation;
      const engagement = { ...rows.engagement, activities: [...rows.engagement.activities, handIn] };
      const then = groundsOf({ ...rows, engagement }, course, numbers, settings);
      const parts = explainColumn(attention, source, then)?.parts as { readonly points: number };
      expect([change_code, parts.points]).toEqual(['handed_in', values['to']]);
      tried += 1;
    }
  }
  expect(tried).toBeGreaterThan(3);
});

test('of a course that stands still nothing is said that would change anything', () => {
  const { keys: own, course, numbers } = courseOf(keys, 0, today + 60);
  expect(course.asOf).toBeLessThan(course.today);
  const still = own.map((rows) => ({ source: sourceOf(rows), grounds: groundsOf(rows, course, numbers, settings) }));
  expect(still.some(({ grounds }) => grounds.anomaly?.inactivity != null)).toBe(true);
  for (const name of ['attention', 'inactivity', 'engagement_score', 'grade_drop']) {
    const column = columnOf(name);
    if (column === undefined) throw new Error(`there is no ${name}`);
    for (const { source, grounds } of still)
      expect(explainColumn(column, source, grounds)?.would_change ?? []).toEqual([]);
  }
});
