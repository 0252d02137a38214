import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { startDeriver } from '#libs/pipeline/derivers.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { interpose } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('set_aside');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

let lsn = 0n;
/** A grade of one student of many, in the one course. */
function grading(student: number, value: number): AnyRowChange {
  lsn += 1n;
  return {
    table: 'grades',
    op: 'create',
    id: `20000000-0000-4000-8000-${String(lsn).padStart(12, '0')}`,
    position: { epoch: 1, lsn },
    after: {
      student_id: `00000000-0000-4000-8000-${String(student).padStart(12, '0')}`,
      course_id: '00000000-0000-4000-8000-0000000000c1',
      grade_item: `Item ${lsn}`,
      grade_value: String(value),
      grade_max: '100',
      timestamp: FIRST_TODAY * MS_PER_DAY + Number(lsn),
    },
  };
}
const STUDENTS = Array.from({ length: 20 }, (_, n) => n + 1);
const stage = (...changes: AnyRowChange[]): Promise<unknown> => stageBatch(world.db, { changes }, settings.reading);

/** A grade that nobody else has: a student with 66 of 100 cannot be derived. */
const CURSED = 66;
type Performance = typeof performanceFamily;
const asksForMuch: Performance = {
  ...performanceFamily,
  facts: (rows, day) => {
    if (rows.some((row) => row.value === BigInt(CURSED) * 100_000n)) throw new Error('more than can be');
    return performanceFamily.facts(rows, day);
  },
};
const writesTooMuch: Performance = {
  ...performanceFamily,
  derive: (...given) => {
    const derived = performanceFamily.derive(...given);
    if (derived === null || derived.features.latest_grade !== `${CURSED}.00`) return derived;
    return { ...derived, features: { ...derived.features, latest_grade: '66666666.00' } };
  },
};

async function deriveAll(family: Performance): Promise<void> {
  for (let busy = true; busy; ) {
    const { claimed } = await deriveBatch(world.db, family, settings, 50);
    busy = claimed.length + (await deriveCourses(world.db, settings, 5)).courses > 0;
  }
}

const latestGrades = async (): Promise<Record<number, string>> => {
  const rows = await world.db.query<{ n: number; grade: string }>(
    `SELECT right(source_id::text, 4)::integer AS n, latest_grade AS grade
     FROM performance_features JOIN student USING (student_id)`,
  );
  return Object.fromEntries(rows.map((row) => [row.n, row.grade]));
};
const listed = (): Promise<object[]> =>
  world.db.query(
    `SELECT source_table, reason, payload::jsonb ->> 'error' AS error, right(s.source_id::text, 4)::integer AS n
     FROM rejected_change AS r JOIN student AS s ON s.student_id = (payload::jsonb ->> 'student_id')::integer`,
  );
const marksLeft = async (): Promise<number> => (await world.db.query('SELECT FROM state.key_mark')).length;

describe.each([
  ['whose derivation throws', asksForMuch, 'more than can be'],
  ['whose row the database refuses', writesTooMuch, 'numeric field overflow'],
])('a key %s', (_what, family, error) => {
  const bad = 7;
  beforeEach(() => stage(...STUDENTS.map((n) => grading(n, n === bad ? CURSED : n))));

  test('is set aside and listed, and the others of its batch are derived', async () => {
    await deriveAll(family);
    expect(await latestGrades()).toEqual(
      Object.fromEntries(STUDENTS.filter((n) => n !== bad).map((n) => [n, `${n}.00`])),
    );
    expect(await listed()).toEqual([{ source_table: 'performance_features', reason: 'internal_error', error, n: bad }]);
    expect(await marksLeft()).toBe(await marksOfAnomalies());
  });

  test('is tried again when its rows change, and listed no more when it can be derived', async () => {
    await deriveAll(family);
    await stage(grading(bad, CURSED), grading(3, 33));
    await deriveAll(family);
    expect(await latestGrades()).toMatchObject({ 3: '33.00' });
    expect(await listed()).toHaveLength(1);
    await stage(grading(bad, 70));
    await deriveAll(performanceFamily);
    expect(await latestGrades()).toMatchObject({ [bad]: '70.00' });
    expect(await listed()).toEqual([]);
  });

  test('is tried again at a start', async () => {
    await deriveAll(family);
    expect(await latestGrades()).not.toHaveProperty(String(bad));
    const loops = startDeriver(performanceFamily, {
      db: world.db,
      settings,
      work: new Work(),
      log: openLog('silent'),
    });
    try {
      await expect.poll(latestGrades).toHaveProperty(String(bad));
      expect(await listed()).toEqual([]);
    } finally {
      await Promise.all(loops.map((loop) => loop.stop()));
    }
  });
});

const marksOfAnomalies = async (): Promise<number> =>
  (await world.db.query(`SELECT FROM state.key_mark WHERE family <> 'performance'`)).length;

test('every key may be one that cannot be derived', async () => {
  await stage(...STUDENTS.map((n) => grading(n, CURSED)));
  await deriveAll(asksForMuch);
  expect(await listed()).toHaveLength(STUDENTS.length);
});

test('what is wrong with the database or with all keys alike sets none aside', async () => {
  await stage(...STUDENTS.map((n) => grading(n, n)));
  const refuses = (code: string) =>
    interpose(world.db, (name, when) => {
      if (when === 'before' && name.includes('features_upsert')) throw Object.assign(new Error('no'), { code });
    });
  await deriveBatch(world.db, performanceFamily, settings, 50);
  await deriveCourses(world.db, settings, 5);
  for (const code of ['53100', '42501', '57014', '40P01'])
    await expect(deriveBatch(refuses(code), performanceFamily, settings, 50)).rejects.toThrow('no');
  expect(await listed()).toEqual([]);
  await deriveAll(performanceFamily);
  expect(Object.keys(await latestGrades())).toHaveLength(STUDENTS.length);
});
