import fc from 'fast-check';
import { expect, test } from 'vitest';
import { engagementEvidence } from '#libs/aggregate/engagement.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { gradeEvidence } from '#libs/aggregate/grades.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { completion, event, grade } from '../aggregate/build.ts';
import { AS_OF, ago, engagementOf, performanceOf } from './build.ts';

/** Few times, resources and values, so that rows collide. */
const time = fc
  .tuple(fc.integer({ min: -2, max: 32 }), fc.constantFrom('00:00', '10:00', '10:10', '10:40:00.001', '23:59:59.999'))
  .map(([days, of]) => ago(days, of));

const activity: fc.Arbitrary<ActivityObservation> = fc.oneof(
  fc
    .record({
      time,
      type: fc.constantFrom('login' as const, 'view' as const, 'forum_post' as const, 'submission' as const),
      dueAt: fc.constantFrom(null, AS_OF * 86_400_000, (AS_OF - 9) * 86_400_000),
      resource: fc.constantFrom(null, 'r1', 'r2'),
      eventId: fc.constantFrom(null, 'e1'),
      duration: fc.constantFrom(0, 0, 45, 600),
      siteAccess: fc.boolean(),
    })
    .map(({ time: when, ...special }) => event(when, special)),
  fc
    .tuple(time, fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const), fc.constantFrom('r1', 'r2'))
    .map(([when, state, resource]) => completion(when, state, resource)),
);

const graded: fc.Arbitrary<GradeObservation> = fc
  .tuple(
    fc.constantFrom('Essay', 'Quiz', 'course'),
    fc.constantFrom(null, '0', '33.33333', '50', '120'),
    time,
    fc.constantFrom('100', '3'),
  )
  .map(([item, value, when, max]) => grade(item, value, when, max));

/** Rows, and the same rows in another order with some of them repeated. */
const twice = <T>(row: fc.Arbitrary<T>): fc.Arbitrary<{ rows: T[]; again: T[] }> =>
  fc.array(row, { maxLength: 30 }).chain((rows) =>
    fc.subarray(rows).chain((more) => {
      const all = [...rows, ...more];
      return fc.record({
        rows: fc.constant(rows),
        again: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      });
    }),
  );

const evidenceOf = (activities: readonly ActivityObservation[], today: LocalDay): KeyEvidence =>
  engagementEvidence({ activities, enrollments: [] }, today);
const SITUATION = { firstDay: AS_OF - 40 };

test('engagement does not depend on the order in which rows arrive, nor on how often they are there', () => {
  fc.assert(
    fc.property(twice(activity), ({ rows, again }) => {
      expect(engagementOf(again, SITUATION)).toEqual(engagementOf(rows, SITUATION));
      expect(evidenceOf(again, AS_OF)).toEqual(evidenceOf(rows, AS_OF));
    }),
    { numRuns: 500 },
  );
});

test('performance does not depend on the order in which rows arrive, nor on how often they are there', () => {
  fc.assert(
    fc.property(twice(graded), ({ rows, again }) => {
      expect(performanceOf(again)).toEqual(performanceOf(rows));
      expect(gradeEvidence(again, AS_OF)).toEqual(gradeEvidence(rows, AS_OF));
    }),
    { numRuns: 500 },
  );
});

test('as of a day, later rows change nothing', () => {
  fc.assert(
    fc.property(fc.array(activity, { maxLength: 30 }), fc.integer({ min: 0, max: 32 }), (rows, back) => {
      const asOf = AS_OF - back;
      const known = rows.filter((row) => row.day <= asOf);
      expect(engagementOf(rows, { ...SITUATION, asOf })).toEqual(engagementOf(known, { ...SITUATION, asOf }));
      expect({ ...evidenceOf(rows, asOf), nextDay: null }).toEqual({ ...evidenceOf(known, asOf), nextDay: null });
    }),
    { numRuns: 500 },
  );
});
