import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { startCourseDeriver, startDeriver } from '#libs/pipeline/derivers.ts';
import { deriveNewCourse } from '#libs/pipeline/new-course.ts';
import { startNewCourseDeriver } from '#libs/pipeline/new-course-deriver.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { claimKeys, readNewCourses } from '#libs/store/keys/keys.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { SourceModel, type Step } from '../property/source-model.ts';
import { stepWith } from '../property/steps.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { Gate, heldAfter, interpose } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

/* A course that a snapshot brought is derived whole, with the same result as key by key. */

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 8);
const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('new_course');
});
afterAll(() => world.drop());

const steps = fc.array(stepWith({ writes: 20, habits: 6, deletes: 2, truncates: 0, resyncs: 2, midnights: 0 }), {
  minLength: 1,
  maxLength: 40,
});

const modelOf = (some: readonly Step[]): SourceModel => {
  const model = new SourceModel(FIRST_TODAY);
  for (const step of some) model.apply(step);
  return model;
};
const [SAMPLE = []] = fc.sample(
  fc.array(stepWith({ writes: 20, habits: 6, deletes: 0, truncates: 0, resyncs: 1, midnights: 0 }), {
    minLength: 40,
    maxLength: 40,
  }),
  { numRuns: 1, seed: 3 },
);

/** Empties the database and reads the whole source. */
async function readAnew(model: SourceModel): Promise<void> {
  await world.reset();
  await beginCalendar(world.db, model.today);
  const epoch = await openProgressStore(world.db).beginEpoch('pgoutput', 'a server', 'a test');
  const changes = model.snapshot().map((change) => ({ ...change, position: { epoch, lsn: 0n } }));
  await stageBatch(world.db, { changes, isPartOfSnapshot: true }, settings.reading);
  expect(await readNewCourses(world.db, ROW_FAMILIES)).toEqual([]);
  const progress = { stream: 'pgoutput', epoch, applied: 1n };
  await stageBatch(world.db, { changes: [], snapshotCompleted: { epoch }, progress }, settings.reading);
}

/** @returns how many keys */
async function deriveWhole(db: Database = world.db): Promise<number> {
  let keys = 0;
  for (const courseId of await readNewCourses(db, ROW_FAMILIES)) keys += await deriveNewCourse(db, settings, courseId);
  return keys;
}

const STORED: Readonly<Record<string, string>> = {
  'state.key': '{}',
  'state.course': '{version}',
  'state.course_class': '{}',
  'state.engagement_series': '{}',
  'state.performance_series': '{}',
  'state.anomaly_series': '{}',
  engagement_features: '{computed_at,row_version}',
  performance_features: '{computed_at,row_version}',
  anomaly_features: '{computed_at,row_version}',
  outbox: '{version,noted_at}',
};
const stored = (): Promise<unknown[]> =>
  Promise.all(
    Object.entries(STORED).map(([table, left]) =>
      world.db.query(`SELECT (to_jsonb(t) - '${left}'::text[])::text AS row FROM ${table} AS t ORDER BY 1`),
    ),
  );
const left = (): Promise<{ marks: number }[]> =>
  world.db.query(
    'SELECT (SELECT count(*) FROM state.key_mark)::integer + (SELECT count(*) FROM state.course_mark)::integer AS marks',
  );

test('whole courses and courses key by key come to the same, and to what the oracle says', {
  timeout: 600_000,
}, async () => {
  let keys = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (some) => {
      const model = modelOf(some);
      await readAnew(model);
      keys += await deriveWhole();
      await deriveAll(world.db, settings);
      const whole = await stored();
      expect(await world.differences(model)).toEqual([]);
      await readAnew(model);
      await deriveAll(world.db, settings);
      expect(whole).toEqual(await stored());
    }),
    { numRuns: RUNS },
  );
  expect(keys).toBeGreaterThan(RUNS);
});

test('it is derived once, and nothing has to be looked at again', async () => {
  const model = modelOf(SAMPLE);
  // Nobody has only grades: the engagement of such a key is marked as always.
  for (const { student_id, course_id } of model.tables.grades.values()) {
    const row = { student_id, course_id, enrolled_at: (FIRST_TODAY - 90) * 86_400_000 };
    model.apply({ kind: 'habit', rows: [{ table: 'enrollments', row }] });
  }
  await readAnew(model);
  expect(await deriveWhole()).toBeGreaterThan(3);
  expect(await left()).toEqual([{ marks: 0 }]);
  expect(await deriveWhole()).toBe(0);
  expect(await world.differences(model)).toEqual([]);
});

test.each(['store/rows/activity_logs', 'keys/key_marks_take', 'keys/course_update'])(
  'news that comes while it is derived is not lost (after %s)',
  async (statement) => {
    const model = modelOf(SAMPLE);
    await readAnew(model);
    const gate = new Gate();
    const deriving = deriveWhole(heldAfter(world.db, statement, gate));
    await gate.reached;
    const from = model.changes.length;
    for (const step of SAMPLE.slice(0, 9)) model.apply(step);
    model.beginEpoch();
    const changes = model.changes
      .slice(from)
      .map((change) => ({ ...change, position: { ...change.position, epoch: 2 } }));
    await stageBatch(world.db, { changes }, settings.reading);
    gate.open();
    await deriving;
    await deriveAll(world.db, settings);
    expect(await world.differences(model)).toEqual([]);
  },
);

test('a course of which somebody holds a key is left to others', async () => {
  const model = modelOf(SAMPLE);
  await readAnew(model);
  await deriveAll(world.db, settings);
  const [key] = await world.db.query<{ course_id: number; student_id: number }>(
    "SELECT course_id, student_id FROM state.key WHERE family = 'performance' LIMIT 1",
  );
  await world.db.query('UPDATE state.course SET version = 0');
  const held = { courseId: key?.course_id ?? 0, studentId: key?.student_id ?? 0 };
  const before = await stored();
  await world.db.transaction(async (tx) => {
    await claimKeys(tx, 'performance', [held], 1);
    expect(await deriveNewCourse(world.db, settings, held.courseId)).toBe(0);
  });
  expect(await stored()).toEqual(before);
});

/**
 * Everything that derives, in one process.
 * @param work the process's own
 * @returns the statements run until nothing was left to do
 */
async function deriveInLoops(db: Database, work = new Work()): Promise<string[]> {
  const statements: string[] = [];
  const counted = interpose(db, (name, when) => {
    if (when === 'before') statements.push(name);
  });
  const options = { db: counted, settings, work, log: openLog('silent') };
  const loops = [
    ...startNewCourseDeriver(options),
    startCourseDeriver(options),
    ...startDeriver(engagementFamily, options),
    ...startDeriver(performanceFamily, options),
    ...startDeriver(anomalyFamily, options),
  ];
  try {
    await expect.poll(left, { timeout: 30_000 }).toEqual([{ marks: 0 }]);
  } finally {
    await Promise.all(loops.map((loop) => loop.stop()));
  }
  return statements;
}

test('where one process derives all families new courses are derived whole, before all else', async () => {
  const model = modelOf(SAMPLE);
  await readAnew(model);
  const courses = await readNewCourses(world.db, ROW_FAMILIES);
  const statements = await deriveInLoops(world.db);
  // No key asked for another look at its course.
  expect(statements.filter((name) => name === 'keys/course_update')).toHaveLength(courses.length);
  expect(statements).not.toContain('keys/course_evidence/keys');
  expect(await world.differences(model)).toEqual([]);
});

test('how far it has come can be asked for, until it is over', async () => {
  await readAnew(modelOf(SAMPLE));
  const courses = await readNewCourses(world.db, ROW_FAMILIES);
  const work = new Work();
  const seen: (readonly [done: number, total: number])[] = [];
  const watched = interpose(world.db, (name, when) => {
    const { done, total, ms } = work.newCoursesDone ?? { done: -1, total: -1, ms: -1 };
    if (name !== 'keys/course_keys' || when !== 'before') return;
    expect(ms).toBeGreaterThanOrEqual(0);
    seen.push([done, total]);
  });
  await deriveInLoops(watched, work);
  // Two run at once, so the second begins before the first is done.
  expect(seen).toHaveLength(courses.length);
  expect(seen[0]).toEqual([0, courses.length]);
  expect(new Set(seen.map(([, total]) => total))).toEqual(new Set([courses.length]));
  expect(seen.at(-1)?.[0]).toBeGreaterThanOrEqual(courses.length - 2);
  expect(work.newCoursesDone).toBeNull();
});

test('a course that cannot be derived whole is derived the other way', async () => {
  const model = modelOf(SAMPLE);
  await readAnew(model);
  const courses = await readNewCourses(world.db, ROW_FAMILIES);
  let failed = 0;
  // The first statement of deriving a whole course, and of nothing else.
  const failing = interpose(world.db, (name, when) => {
    if (when !== 'before' || name !== 'keys/course_keys') return;
    failed += 1;
    throw new RangeError('a key of it cannot be derived');
  });
  await deriveInLoops(failing);
  expect(failed).toBe(courses.length);
  expect(await world.differences(model)).toEqual([]);
});
