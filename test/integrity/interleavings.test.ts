import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { Gate, heldAfter } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

/**
 * The orders in which two processes can meet, forced: one is held after a certain statement of its transaction while
 * the other does all it can.
 */
const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('interleavings');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

const studentId = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
const COURSE = '00000000-0000-4000-8000-0000000000c1';

interface Grading {
  readonly row?: number;
  readonly student?: number;
  readonly value: number;
  readonly lsn: number;
  readonly day?: number;
}

const grading = ({ row = 1, student = 1, value, lsn, day = 0 }: Grading): AnyRowChange => ({
  table: 'grades',
  op: lsn === 1 ? 'create' : 'update',
  id: `20000000-0000-4000-8000-00000000000${row}`,
  position: { epoch: 1, lsn: BigInt(lsn) },
  after: {
    student_id: studentId(student),
    course_id: COURSE,
    grade_item: `Essay ${row}`,
    grade_value: String(value),
    grade_max: '100',
    timestamp: (FIRST_TODAY + day) * MS_PER_DAY,
  },
});

const stage = (db: World['db'], ...changes: AnyRowChange[]): Promise<unknown> =>
  stageBatch(db, { changes }, settings.reading);
const derive = (db: World['db'], keys = 50): Promise<unknown> => deriveBatch(db, performanceFamily, settings, keys);

/** Lets `work` run until it ends or waits for a lock. @returns whether it ended */
async function asFarAsItGoes(work: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([work.then(() => 'ended'), sleep(250)])) === 'ended';
}

/** The latest grade of every student that has a row. */
async function grades(): Promise<Record<string, number | null>> {
  const rows = await world.db.query<{ source_id: string; latest_grade: string | null }>(
    'SELECT source_id, latest_grade FROM performance_features JOIN student USING (student_id) ORDER BY 1',
  );
  return Object.fromEntries(
    rows.map((row) => [row.source_id, row.latest_grade === null ? null : Number(row.latest_grade)]),
  );
}

test('two stagers on one row: the key that the first moved it to is retracted by the second', async () => {
  await stage(world.db, grading({ student: 1, value: 10, lsn: 1 }));
  await deriveAll(world.db, settings);
  const gate = new Gate();
  const second = stage(heldAfter(world.db, 'image_lock', gate), grading({ student: 3, value: 30, lsn: 3 }));
  await gate.reached;
  const first = stage(world.db, grading({ student: 2, value: 20, lsn: 2 }));
  // If the row were not locked, the first would end here, and student 2 would keep a grade that nobody removes.
  if (await asFarAsItGoes(first)) await deriveAll(world.db, settings);
  gate.open();
  await Promise.all([first, second]);
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(3)]: 30 });
});

test('a change that comes between a reading and the end of its derivation is derived after it', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1 }));
  await deriveAll(world.db, settings);
  await stage(world.db, grading({ value: 20, lsn: 2 }));
  const gate = new Gate();
  const deriving = derive(heldAfter(world.db, 'rows/grades', gate));
  await gate.reached;
  const staging = stage(world.db, grading({ value: 30, lsn: 3 }));
  await asFarAsItGoes(staging);
  gate.open();
  await Promise.all([deriving, staging]);
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(1)]: 30 });
});

test('a mark that waits already does not stand for a change that is not committed yet', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1 }));
  await deriveAll(world.db, settings);
  await stage(world.db, grading({ value: 20, lsn: 2 }));
  const gate = new Gate();
  const staging = stage(heldAfter(world.db, 'marks_add', gate), grading({ value: 30, lsn: 3 }));
  await gate.reached;
  await asFarAsItGoes(derive(world.db));
  gate.open();
  await staging;
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(1)]: 30 });
});

test('a key has one writer: a second deriver leaves it to the first', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1 }));
  await deriveAll(world.db, settings);
  await stage(world.db, grading({ value: 20, lsn: 2 }));
  const gate = new Gate();
  const slow = derive(heldAfter(world.db, 'rows/grades', gate));
  await gate.reached;
  await stage(world.db, grading({ value: 30, lsn: 3 }));
  await asFarAsItGoes(derive(world.db));
  gate.open();
  await slow;
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(1)]: 30 });
});

test('a second deriver takes the keys that the first has not claimed', async () => {
  for (const student of [1, 2]) await stage(world.db, grading({ row: student, student, value: 10, lsn: 1 }));
  await deriveAll(world.db, settings);
  for (const student of [1, 2]) await stage(world.db, grading({ row: student, student, value: 20, lsn: 2 }));
  const gate = new Gate();
  const slow = derive(heldAfter(world.db, 'keys_claim', gate), 1);
  await gate.reached;
  await derive(world.db, 1);
  expect(await grades()).toEqual({ [studentId(1)]: 10, [studentId(2)]: 20 });
  gate.open();
  await slow;
});

test('a key that is new while its course moves is derived again for the course as it is then', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1, day: -20 }));
  await deriveAll(world.db, settings);
  // A fact of today moves the course; the course deriver has already listed the keys to mark when a new key arrives.
  await stage(world.db, grading({ row: 2, value: 20, lsn: 1, day: 0 }));
  await derive(world.db);
  await stage(world.db, grading({ row: 3, student: 3, value: 30, lsn: 1, day: -20 }));
  const gate = new Gate();
  const course = deriveCourses(heldAfter(world.db, 'course_mark_keys', gate), settings, 10);
  await gate.reached;
  await derive(world.db);
  gate.open();
  await course;
  await deriveAll(world.db, settings);
  const rows = await world.db.query(
    'SELECT student_id FROM performance_features WHERE as_of_date < (SELECT today FROM state.calendar)',
  );
  expect(rows).toEqual([]);
});

test('what a key of an initial snapshot moves its course by is waited for, though its own mark is not seen yet', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1, day: -20 }));
  await deriveAll(world.db, settings);
  await stage(world.db, grading({ row: 2, value: 20, lsn: 1, day: 0 }));
  await derive(world.db);
  await stage(world.db, {
    ...grading({ row: 3, student: 2, value: 30, lsn: 0, day: -20 }),
    op: 'read',
  } as AnyRowChange);
  const gate = new Gate();
  const course = deriveCourses(heldAfter(world.db, 'course_marks_take', gate), settings, 10);
  await gate.reached;
  await derive(world.db);
  gate.open();
  await course;
  const marks = `SELECT source_id, bool_or(awaited) AS awaited FROM state.key_mark JOIN student USING (student_id)
    WHERE family = 'performance' GROUP BY source_id ORDER BY source_id`;
  expect(await world.db.query(marks)).toEqual([1, 2].map((n) => ({ source_id: studentId(n), awaited: true })));
});

test('a fact that would wake a course counts, though the course falls asleep before it is committed', async () => {
  // One student's fact keeps the course awake; it is deleted while another student's fact of today is being derived.
  await stage(
    world.db,
    grading({ row: 1, student: 1, value: 5, lsn: 1, day: -30 }),
    grading({ row: 2, student: 1, value: 10, lsn: 1 }),
  );
  await stage(world.db, grading({ row: 3, student: 2, value: 10, lsn: 1, day: -30 }));
  await deriveAll(world.db, settings);
  await stage(world.db, grading({ row: 4, student: 2, value: 20, lsn: 1, day: 0 }));
  const gate = new Gate();
  const waking = derive(heldAfter(world.db, 'rows/grades', gate), 1);
  await gate.reached;
  await stage(world.db, grading({ row: 2, student: 1, value: 10, lsn: 2, day: -30 }));
  await derive(world.db);
  await deriveCourses(world.db, settings, 10);
  gate.open();
  await waking;
  await deriveAll(world.db, settings);
  const [course] = await world.db.query<{ awake: boolean }>(
    'SELECT as_of = today AS awake FROM state.course, state.calendar',
  );
  expect(course?.awake).toBe(true);
});

test('in a course that sleeps, a row dated tomorrow counts tomorrow', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1, day: -30 }));
  await stage(world.db, grading({ row: 2, value: 90, lsn: 1, day: 1 }));
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(1)]: 10 });
  await rollOver(world.db, FIRST_TODAY + 1);
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(1)]: 90 });
});

test('midnight waits for a derivation under way, and what that one read of the old day is derived again', async () => {
  await stage(world.db, grading({ value: 10, lsn: 1, day: -30 }));
  await deriveAll(world.db, settings);
  // Dated tomorrow, so not a fact yet.
  await stage(world.db, grading({ row: 2, value: 90, lsn: 1, day: 1 }));
  const gate = new Gate();
  const deriving = derive(heldAfter(world.db, 'rows/grades', gate));
  await gate.reached;
  const midnight = rollOver(world.db, FIRST_TODAY + 1);
  await asFarAsItGoes(midnight);
  gate.open();
  await Promise.all([deriving, midnight]);
  await deriveAll(world.db, settings);
  expect(await grades()).toEqual({ [studentId(1)]: 90 });
});
