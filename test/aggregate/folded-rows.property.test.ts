import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACTIVITY_RULES } from '#libs/aggregate/completions.ts';
import { ENROLMENT_RULES, engagementEvidence, engagementFacts, enrolmentBy } from '#libs/aggregate/engagement.ts';
import { FoldedRows, type FoldRules } from '#libs/aggregate/folded-rows.ts';
import { GRADE_RULES, gradeEvidence, gradeFacts } from '#libs/aggregate/grades.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { EnrollmentObservation } from '#libs/clean/enrollments.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { CompletionState } from '#libs/clean/metadata.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';

/** Few times, so that rows collide; the clock goes back over midnight again and again. */
const DAYS = [1, 2, 1, 1, 2, 3, 2, 2, 3];
const LAST_DAY = 4;
const time = fc.integer({ min: 0, max: DAYS.length - 1 }).map((at) => ({ at, day: DAYS[at] ?? 0 }));

const grade: fc.Arbitrary<GradeObservation> = fc
  .tuple(time, fc.constantFrom('a', 'b'), fc.constantFrom(null, 1n, 1n, 1n, 2n), fc.constantFrom(1n, 1n, 1n, 3n))
  .map(([place, item, value, max]) => ({ item, value, max, ...place }));

const activity: fc.Arbitrary<ActivityObservation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(time, fc.constantFrom('a', 'b'), fc.constantFrom<CompletionState>(0, 0, 1, 1, 2, 3))
      .map(([place, resource, state]) => ({ kind: 'completion' as const, resource, state, ...place })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(time, fc.boolean(), fc.constantFrom(0, 60)).map(([place, siteAccess, duration]) => ({
      kind: 'event' as const,
      type: 'login' as const,
      siteAccess,
      resource: null,
      eventId: null,
      duration,
      dueAt: null,
      hour: 0,
      ...place,
    })),
  },
);

const enrolment: fc.Arbitrary<EnrollmentObservation> = fc
  .option(time, { freq: 4 })
  .map((place) => place ?? { at: null, day: null });

/** Rows in batches, as they arrive: mostly in order of time, mostly repeating earlier ones. */
const batches = <O extends { readonly at: number | null }>(row: fc.Arbitrary<O>): fc.Arbitrary<O[][]> =>
  fc
    .tuple(fc.array(row, { maxLength: 30 }), fc.boolean(), fc.array(fc.nat(29), { maxLength: 6 }), fc.array(fc.nat(30)))
    .map(([rows, isInOrder, cuts, again]) => {
      const all = [...rows, ...again.flatMap((n) => rows[n] ?? [])];
      if (isInOrder) all.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
      const ends = [...cuts.sort((a, b) => a - b), all.length];
      return ends.map((end, n) => all.slice(ends[n - 1] ?? 0, end));
    });

const thereAndBack = (text: string): string =>
  JSON.parse(text, (name, value: unknown) =>
    (name === 'value' || name === 'max') && value !== null ? BigInt(value as string) : value,
  );
const copied = <O extends object>(rules: FoldRules<O>, folded: FoldedRows<O>): FoldedRows<O> =>
  new FoldedRows(
    rules,
    thereAndBack(
      JSON.stringify(folded.kept(), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ) as never,
  );

/** The folded rows after the batches were folded one by one, saved and reloaded in between. */
function foldOn<O extends object>(rules: FoldRules<O>, given: readonly (readonly O[])[]): FoldedRows<O> {
  let folded = new FoldedRows(rules);
  given.forEach((batch, n) => {
    folded = copied(rules, folded);
    if (folded.add(batch)) return;
    folded = new FoldedRows(rules);
    expect(folded.add(given.slice(0, n + 1).flat())).toBe(true);
  });
  return folded;
}

function foldAll<O extends object>(rules: FoldRules<O>, rows: readonly O[]): FoldedRows<O> {
  const folded = new FoldedRows(rules);
  expect(folded.add(rows)).toBe(true);
  return folded;
}

/** Compares `what` of all rows with `what` of the folded ones, as of each day. */
function alikeEachDay<O extends object>(
  rules: FoldRules<O>,
  given: readonly (readonly O[])[],
  what: (rows: O[], day: LocalDay) => unknown,
): void {
  const rows = given.flat();
  const left = foldAll(rules, rows).rows();
  for (let day = 0; day <= LAST_DAY; day += 1) expect(what(left, day)).toEqual(what(rows, day));
  // Folding in pieces gives the very same, and repeated rows change nothing.
  const again = foldOn(rules, [...given, ...given.slice(-2)]);
  const named = (some: readonly O[]): string[] =>
    some
      .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
      .sort();
  expect(named(again.rows())).toEqual(named(left));
}

/** Leaves out the next day on which to look: where nothing changes nobody has to. */
const seen = <E extends { readonly nextDay: LocalDay | null }>({ nextDay: _, ...evidence }: E): object => evidence;
const inOrder = (rows: readonly { readonly at: number }[]): object[] => [...rows].sort((a, b) => a.at - b.at);

describe('whatever follows from all rows follows from those that are left', () => {
  const runs = { numRuns: 3_000 };

  test('of grades', () => {
    fc.assert(
      fc.property(batches(grade), (given) =>
        alikeEachDay(GRADE_RULES, given, (rows, day) => [gradeFacts(rows, day), seen(gradeEvidence(rows, day))]),
      ),
      runs,
    );
  });

  test('of completions and accesses', () => {
    fc.assert(
      fc.property(batches(activity), (given) =>
        alikeEachDay(ACTIVITY_RULES, given, (activities, day) => {
          const { completions, ...facts } = engagementFacts(activities, day);
          const { reached, ...counts } = completions;
          return [facts, counts, inOrder(reached), seen(engagementEvidence({ activities, enrollments: [] }, day))];
        }),
      ),
      runs,
    );
  });

  test('of enrolments', () => {
    fc.assert(
      fc.property(batches(enrolment), (given) => alikeEachDay(ENROLMENT_RULES, given, enrolmentBy)),
      runs,
    );
  });

  test('the next day on which something changes is the next day with a row that is left', () => {
    fc.assert(
      fc.property(fc.array(grade, { maxLength: 20 }), (rows) => {
        const left = foldAll(GRADE_RULES, rows).rows();
        for (let day = 0; day < LAST_DAY; day += 1) {
          const next = gradeEvidence(left, day).nextDay ?? LAST_DAY;
          for (let between = day; between < next; between += 1)
            expect(gradeFacts(rows, between)).toEqual(gradeFacts(rows, day));
        }
      }),
      runs,
    );
  });
});

describe('how much is left', () => {
  const syncs = (count: number, value: (n: number) => bigint): GradeObservation[] =>
    Array.from({ length: count }, (_, n) => ({ item: 'a', value: value(n), max: 100n, at: n, day: Math.floor(n / 4) }));

  test('of fifty thousand repeats is one row', () => {
    const folded = foldAll(
      GRADE_RULES,
      syncs(50_000, () => 7n),
    );
    expect(folded.rows()).toEqual([{ item: 'a', value: 7n, max: 100n, at: 0, day: 0 }]);
    expect(folded.add(syncs(50_001, () => 7n).slice(-1))).toBe(true);
    expect(folded.rows()).toHaveLength(1);
  });

  test('is a row for each change', () => {
    expect(
      foldAll(
        GRADE_RULES,
        syncs(1_000, (n) => BigInt(Math.floor(n / 100))),
      ).rows(),
    ).toHaveLength(10);
  });

  test('grows by no row where two of one time are copied again and again', () => {
    const rows = syncs(1_000, () => 7n).flatMap((row) => [row, { ...row, value: 3n }]);
    expect(foldAll(GRADE_RULES, rows).rows()).toHaveLength(2);
  });

  test('a late row that says something else asks for all rows', () => {
    const folded = foldAll(
      GRADE_RULES,
      syncs(10, () => 7n),
    );
    expect(folded.add([{ item: 'a', value: 8n, max: 100n, at: 5, day: 1 }])).toBe(false);
    expect(folded.add([{ item: 'b', value: 8n, max: 100n, at: 5, day: 1 }])).toBe(true);
  });
});
