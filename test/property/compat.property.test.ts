import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { testSettings } from '../support/settings.ts';
import { FIRST_TODAY, STUDENTS, type WrittenRow } from './rows.ts';
import { SourceModel, type Step } from './source-model.ts';
import { World } from './world.ts';

/* What schema compat makes of courses that follow each other, overlap, or end on the day before the next begins. */

/** A tenth of the runs of the other histories: each of these says much more about compat. */
const RUNS = Math.max(25, Math.ceil(Number(process.env['PROPERTY_RUNS'] ?? 0) / 10));
const SEED = process.env['PROPERTY_SEED'];
const COURSES = [1, 2, 3, 4, 5].map((n) => `00000000-0000-4000-8000-0000000000d${n}`);
/** Enrolled at an unknown time, and never active. */
const IDLE = '00000000-0000-4000-8000-000000000009';
/** Ends and beginnings that meet, some of them within the six days in which a course is not over yet. */
const DAYS = [-60, -41, -40, -39, -20, -19, -18, -8, -7, -6, -5, -1, 0];

let world: World;
beforeAll(async () => {
  world = await World.create('compat_property');
});
afterAll(() => world.drop());

const act = fc.record({
  student: fc.constantFrom(...STUDENTS, IDLE),
  course: fc.nat({ max: COURSES.length - 1 }),
  day: fc.nat({ max: 2 }),
  what: fc.constantFrom('login', 'view', 'forum_post', 'total', 'total', 'essay', 'enrolled', 'undated'),
  value: fc.constantFrom('0', '33.33', '49.995', '50', '66.67', '80', '100'),
});

const history = fc.record({
  /** Three active days per course. */
  terms: fc.array(fc.tuple(...[1, 2, 3].map(() => fc.constantFrom(...DAYS))), {
    minLength: COURSES.length,
    maxLength: COURSES.length,
  }),
  before: fc.array(act, { minLength: 5, maxLength: 40 }),
  after: fc.array(act, { maxLength: 5 }),
  gone: fc.array(fc.nat({ max: 39 }), { maxLength: 6 }),
  midnights: fc.constantFrom(0, 1, 2, 7),
});
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

function toRow({ student, course, day, what, value }: Act, terms: readonly (readonly number[])[]): WrittenRow {
  const key = { student_id: student, course_id: COURSES[course] ?? '' };
  const timestamp = (FIRST_TODAY + (terms[course]?.[day] ?? 0)) * MS_PER_DAY + 36_000_000;
  if (what === 'enrolled' || what === 'undated' || student === IDLE) {
    return {
      table: 'enrollments',
      row: { ...key, enrolled_at: what === 'enrolled' && student !== IDLE ? timestamp : null },
    };
  }
  if (what === 'total' || what === 'essay') {
    const grade_item = what === 'total' ? 'course' : 'Essay';
    return { table: 'grades', row: { ...key, grade_item, grade_value: value, grade_max: '100', timestamp } };
  }
  const duration_seconds = what === 'view' ? String(Math.round(60 * Number(value))) : null;
  return {
    table: 'activity_logs',
    row: { ...key, activity_type: what, resource_id: 'r1', duration_seconds, timestamp, metadata: null },
  };
}

/** Which cases occurred, over all histories. */
const seen = new Set<string>();
async function look(): Promise<void> {
  const [row] = await world.db.query<Record<string, boolean>>(`
    SELECT
      (SELECT bool_or('previous_module_grade' <> ALL (imputed)) FROM compat.student_metrics) AS "a grade of before",
      (SELECT bool_or(passed) FROM compat.student_metrics) AS passed,
      (SELECT bool_or(NOT passed) FROM compat.student_metrics) AS failed,
      EXISTS (SELECT FROM compat.student_metrics AS m JOIN performance_features AS p USING (student_id, course_id)
              WHERE m.passed IS NULL AND p.passed IS NOT NULL) AS "not over yet",
      (SELECT bool_or(cardinality(course_ids) > 1) FROM compat.temporal_features) AS "courses at once",
      (SELECT bool_or(feature_date IS NULL) FROM compat.temporal_features) AS "no day",
      EXISTS (SELECT FROM compat.temporal_features AS t JOIN state.course_span AS c ON c.course_id = t.course_ids[1]
              WHERE c.stopped) AS "the last that stopped",
      EXISTS (SELECT FROM state.course_span AS a JOIN state.course_span AS b USING (last_fact)
              WHERE a.course_id < b.course_id AND a.stopped) AS "courses that stopped on one day"`);
  for (const [name, wasSeen] of Object.entries(row ?? {})) if (wasSeen) seen.add(name);
}

async function isEqualToOracle(model: SourceModel): Promise<void> {
  const differences = await world.differences(model);
  if (differences.length > 0) throw new Error(JSON.stringify(differences.slice(0, 10), null, 1));
  await look();
}

test('compat equals the oracle, whatever courses follow each other', async () => {
  const settings = testSettings();
  await fc.assert(
    fc.asyncProperty(history, async ({ terms, before, after, gone, midnights }) => {
      const model = new SourceModel(FIRST_TODAY);
      await world.reset();
      await beginCalendar(world.db, FIRST_TODAY);
      await adoptSettings(world.db, settings);
      const steps = (acts: readonly Act[], from: number): Step[] =>
        acts.map((one, n) => ({ kind: 'write', slot: from + n, written: toRow(one, terms), toast: false }));
      for (const step of steps(before, 0)) model.apply(step);
      const end = { changes: [], snapshotCompleted: { epoch: model.epoch } };
      await world.run([[{ changes: [...model.changes] }, end]], settings);
      await isEqualToOracle(model);

      const known = model.changes.length;
      for (const slot of gone) model.apply({ kind: 'delete', table: 'activity_logs', slot });
      for (const step of steps(after, 100)) model.apply(step);
      model.apply({ kind: 'midnight', days: midnights });
      await world.run([[{ changes: model.changes.slice(known) }, () => rollOver(world.db, model.today)]], settings);
      await isEqualToOracle(model);
    }),
    { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
  );
  expect([...seen].sort()).toEqual([
    'a grade of before',
    'courses at once',
    'courses that stopped on one day',
    'failed',
    'no day',
    'not over yet',
    'passed',
    'the last that stopped',
  ]);
}, 7_200_000);
