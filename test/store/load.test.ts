import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange, Change } from '#libs/domain/change.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { indexImages } from '#libs/store/images/load.ts';
import { type StageResult, stageBatch } from '#libs/store/images/stage.ts';
import { COURSES, FIRST_TODAY, STUDENTS, writtenRow } from '../property/rows.ts';
import { rowId, SourceModel, type Step } from '../property/source-model.ts';
import { stepWith } from '../property/steps.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { interpose } from '../support/interpose.ts';
import { refuseStudent } from '../support/refuse-student.ts';
import { testSettings } from '../support/settings.ts';

// Enough runs that every way of loading almost certainly occurs, which is asserted; twelve might miss one.
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 40);
const { reading } = testSettings();
const TABLES = ['students', 'courses', 'enrollments', 'grades', 'activity_logs'] as const;

let atOnce: TestDatabase;
let oneByOne: TestDatabase;
/** How often rows were loaded, and how often loading was given up. */
const seen = { first: 0, loaded: 0, givenUp: 0 };

beforeAll(async () => {
  [atOnce, oneByOne] = await Promise.all([createAnalyticsDatabase('load'), createAnalyticsDatabase('load_one')]);
});
afterAll(() => Promise.all([atOnce.drop(), oneByOne.drop()]));

/** Counts the outcomes of loading. */
const counting = (db: Database): Database => {
  const counted = interpose(db, (name, when) => {
    if (when === 'after' && name.endsWith('rejected_clear_loaded')) seen.loaded += 1;
    if (when === 'after' && name.startsWith('store/image_load_first')) seen.first += 1;
  });
  return {
    ...counted,
    loading: (work) =>
      counted.loading(work).catch((error: unknown) => {
        seen.givenUp += 1;
        throw error;
      }),
  };
};

/** The user may not create temporary tables, so everything goes row by row. */
const withoutRight = (db: Database): Database =>
  interpose(db, (name) => {
    if (/^store\/image_load_(begin|first)/.test(name))
      throw Object.assign(new Error('permission denied'), { code: '42501' });
  });

async function empty({ db }: TestDatabase): Promise<void> {
  const images = SOURCE_TABLES.map((table) => `state.image_${table}`).join(', ');
  await db.query(
    `TRUNCATE student, course, ${images}, rejected_change, state.rejected_total, state.floor, state.key_mark, state.key,
       state.erased_student, state.split_move, state.epoch, stream_progress RESTART IDENTITY`,
  );
}

const beginEpoch = ({ db }: TestDatabase): Promise<unknown> =>
  db.query("INSERT INTO state.epoch (stream, origin, reason) VALUES ('pgoutput', 'a server', 'a test')");

async function dump({ db }: TestDatabase): Promise<unknown> {
  const rows = (table: string, columns: string, order: string): Promise<object[]> =>
    db.query(`SELECT ${columns} FROM ${table} ORDER BY ${order}`);
  const named = { student: 'student', course: 'course' } as const;
  const ids = Object.values(named).map((name) => rows(name, 'source_id', 'source_id'));
  const images = SOURCE_TABLES.map((table) =>
    db.query(
      `SELECT to_jsonb(i) - 'student_id' - 'course_id' AS image${
        table === 'students' || table === 'courses'
          ? ''
          : `, (SELECT source_id FROM student WHERE student_id = i.student_id) AS student,
               (SELECT source_id FROM course WHERE course_id = i.course_id) AS course`
      } FROM state.image_${table} AS i ORDER BY id`,
    ),
  );
  return Promise.all([
    ...ids,
    ...images,
    rows(
      'rejected_change',
      "origin, source_table, source_id, epoch, lsn, reason, payload::jsonb - 'student_id' - 'course_id' AS payload",
      'origin',
    ),
    rows('state.rejected_total', '*', 'source_table, reason'),
    rows('state.key_mark', 'family, count(*)::integer AS marks', '1').catch(() => []),
  ]);
}

/** A snapshot in pieces of one table each, followed by its end. */
const piecesOf = (rows: readonly AnyRowChange[], size: number): AnyRowChange[][] =>
  TABLES.flatMap((table) => {
    const own = rows.filter((row) => row.table === table);
    return Array.from({ length: Math.ceil(own.length / size) }, (_, n) => own.slice(n * size, (n + 1) * size));
  });

const identities = (epoch: number): AnyRowChange[] =>
  [...STUDENTS.map((id) => ['students', id]), ...COURSES.map((id) => ['courses', id])].map(
    ([table, id]) => ({ table, op: 'read', id, after: {}, position: { epoch, lsn: 0n } }) as AnyRowChange,
  );

async function snapshotBoth(rows: readonly AnyRowChange[], size: number): Promise<void> {
  for (const changes of piecesOf(rows, size)) {
    const batch = { changes, isPartOfSnapshot: true } as const;
    const results: StageResult[] = [];
    for (const db of [counting(atOnce.db), withoutRight(oneByOne.db)])
      results.push(await stageBatch(db, batch, reading));
    expect(results[0]).toEqual(results[1]);
  }
}

/** As the end of a snapshot does, or the next epoch. */
const indexBoth = (): Promise<unknown> => Promise.all([atOnce, oneByOne].map(({ db }) => indexImages(db)));

const steps = fc.array(stepWith({ writes: 10, habits: 0, deletes: 2, truncates: 1, resyncs: 0, midnights: 0 }), {
  maxLength: 25,
});
const erased = fc.constantFrom(null, null, STUDENTS[0] ?? null);

/** What was staged in the first epoch, what happened unseen, and how the log of the second begins. */
const history = fc.record({
  before: steps,
  unheard: steps,
  early: fc.array(stepWith({ writes: 10, habits: 0, deletes: 2, truncates: 1, resyncs: 0, midnights: 0 }), {
    maxLength: 3,
  }),
  erased,
  /** No epoch was begun before it. */
  isFirst: fc.boolean(),
  size: fc.integer({ min: 1, max: 12 }),
});

async function stageBoth(changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  for (const { db } of [atOnce, oneByOne]) await stageBatch(db, { changes }, reading);
}

async function eraseBoth(student: string | null): Promise<void> {
  if (student === null) return;
  for (const { db } of [atOnce, oneByOne]) await refuseStudent(db, student);
}

test('rows of a snapshot become the same images, the same rejected rows and the same counts, all at once or one by one', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ before, unheard, early, erased: student, isFirst, size }) => {
      await Promise.all([empty(atOnce), empty(oneByOne)]);
      if (!isFirst) await Promise.all([beginEpoch(atOnce), beginEpoch(oneByOne)]);
      const model = new SourceModel(FIRST_TODAY);
      const play = (some: readonly Step[]): readonly Change[] => {
        const from = model.changes.length;
        for (const step of some) model.apply(step);
        return model.changes.slice(from);
      };
      await stageBoth(play(before));
      play(unheard);
      await eraseBoth(student);
      const epoch = model.beginEpoch();
      const rows = [...identities(epoch), ...model.snapshot()];
      await stageBoth(play(early));
      await snapshotBoth(rows, size);
      // Repeating it changes nothing.
      await snapshotBoth(rows.slice(0, size), size);
      await indexBoth();
      expect(await dump(atOnce)).toEqual(await dump(oneByOne));
    }),
    { numRuns: RUNS },
  );
  expect(seen.first).toBeGreaterThan(0);
  expect(seen.loaded).toBeGreaterThan(0);
  expect(seen.givenUp).toBeGreaterThan(0);
});

test('what no column takes is left to the way that finds the row; the others are staged', async () => {
  await Promise.all([empty(atOnce), empty(oneByOne)]);
  const row = (id: string, grade_item: string): AnyRowChange => ({
    table: 'grades',
    op: 'read',
    id,
    after: {
      student_id: STUDENTS[0] ?? null,
      course_id: COURSES[0] ?? null,
      grade_item,
      grade_value: '1',
      grade_max: '10',
      timestamp: FIRST_TODAY * 86_400_000,
    },
    position: { epoch: 1, lsn: 0n },
  });
  const changes = [row(rowId('grades', 1), 'Essay\t\\N \\. \n\r'), row(rowId('grades', 2), 'with a \0')];
  const batch = { changes, isPartOfSnapshot: true } as const;
  await expect(stageBatch(atOnce.db, batch, reading)).rejects.toThrow(/invalid byte sequence/);
  await stageBatch(atOnce.db, { ...batch, changes: changes.slice(0, 1) }, reading);
  const stored = await atOnce.db.query<{ grade_item: string }>('SELECT grade_item FROM state.image_grades');
  expect(stored).toEqual([{ grade_item: 'Essay\t\\N \\. \n\r' }]);
});

test('two rows of one id are one row, all at once as one by one', async () => {
  await Promise.all([empty(atOnce), empty(oneByOne)]);
  const [sample] = fc.sample(writtenRow, { numRuns: 1, seed: 7 });
  if (sample === undefined) throw new Error('no row was made');
  const row = {
    table: sample.table,
    op: 'read',
    id: rowId(sample.table, 1),
    after: sample.row,
    position: { epoch: 1, lsn: 0n },
  };
  await snapshotBoth([row, row] as AnyRowChange[], 2);
  await indexBoth();
  expect(await dump(atOnce)).toEqual(await dump(oneByOne));
});
