import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { startCourseDeriver } from '#libs/pipeline/derivers.ts';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { COURSES, FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';

/** Class numbers are derived state: what moves them, what does not, and which keys are derived again because of them. */
const settings = testSettings();
const [COURSE = ''] = COURSES;
const SIZE = 30;
const student = (n: number): string => `00000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`;
let world: World;
let model: SourceModel;

beforeAll(async () => {
  world = await World.create('class');
});
afterAll(() => world.drop());

const log = (n: number, daysAgo: number, type = 'login', resource: string | null = null): WrittenRow => ({
  table: 'activity_logs',
  row: {
    student_id: student(n),
    course_id: COURSE,
    activity_type: type,
    resource_id: resource,
    duration_seconds: null,
    timestamp: (model.today - daysAgo) * MS_PER_DAY + 36_000_000,
    metadata: null,
  },
});

async function stage(...rows: readonly WrittenRow[]): Promise<void> {
  const from = model.changes.length;
  model.apply({ kind: 'habit', rows });
  await stageBatch(world.db, { changes: model.changes.slice(from) }, settings.reading);
}

interface Counted {
  readonly keys: number;
  readonly flags: number;
  readonly moved: number;
}

/** Derives until nothing is marked. @returns how many keys were derived, of rows and of flags, and how often a course moved */
async function settle(): Promise<Counted> {
  let [keys, flags, moved] = [0, 0, 0];
  for (let busy = true; busy; ) {
    const engagement = await deriveBatch(world.db, engagementFamily, settings, 50);
    const performance = await deriveBatch(world.db, performanceFamily, settings, 50);
    const anomaly = await deriveBatch(world.db, anomalyFamily, settings, 50);
    const courses = await deriveCourses(world.db, settings, 5);
    keys += engagement.claimed.length + performance.claimed.length;
    flags += anomaly.claimed.length;
    moved += courses.moved;
    busy = engagement.claimed.length + performance.claimed.length + anomaly.claimed.length + courses.courses > 0;
  }
  return { keys, flags, moved };
}

const midnight = async (): Promise<void> => {
  model.apply({ kind: 'midnight', days: 1 });
  await rollOver(world.db, model.today);
};
const stored = () => world.db.query<{ usual: string }>('SELECT usual::text, expected, grades FROM state.course_class');
const marksOf = (): Promise<{ of_class: boolean }[]> => world.db.query('SELECT of_class FROM state.course_mark');

/** Thirty students who come on every third day and handed in r1 ten days ago; the first did not, and no longer comes. */
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
  const rows = Array.from({ length: SIZE }, (_, n) => n).flatMap((n) => [
    ...Array.from({ length: 20 }, (_, k) => 61 - 3 * k).flatMap((ago) => (n === 0 && ago < 40 ? [] : [log(n, ago)])),
    ...(n === 0 ? [] : [log(n, 10, 'submission', 'r1')]),
  ]);
  await stage(...rows);
  await deriveAll(world.db, settings);
});

test('who stays away and hands in nothing has attention, and the numbers are the oracle’s', async () => {
  const [row] = await world.db.query<{ attention: { value: number; reasons: unknown } }>(
    'SELECT attention FROM anomaly_features WHERE attention IS NOT NULL',
  );
  expect(row?.attention).toMatchObject({
    value: 5,
    severity: 'high',
    reasons: [
      { reason: 'absent', points: 3 },
      { reason: 'missing_work', points: 2 },
    ],
  });
  expect(await world.differences(model)).toEqual([]);
});

describe('a change of today', () => {
  test('derives one key, and neither looks at the class nor at the course', async () => {
    const before = await stored();
    await stage(log(3, 0));
    expect(await settle()).toEqual({ keys: 1, flags: 1, moved: 0 });
    expect(await stored()).toEqual(before);
    // The day's next fact, of another student: again one key.
    await stage(log(4, 0), log(4, 0, 'submission', 'r2'));
    expect((await settle()).flags).toBeLessThanOrEqual(1);
    expect(await world.differences(model)).toEqual([]);
  });

  test('derives one key also where two thousand are compared with each other', async () => {
    const others = 2_000 - SIZE;
    await world.db.query(
      'INSERT INTO student (source_id) SELECT gen_random_uuid() FROM generate_series(1, $1::integer)',
      [others],
    );
    await world.db.query(
      `INSERT INTO state.image_activity_logs (id, epoch, lsn, live, student_id, course_id, activity_type, resource_id, "timestamp")
       SELECT gen_random_uuid(), 1, 0, true, student_id, course_id, CASE n WHEN 4 THEN 'submission' ELSE 'login' END,
         CASE n WHEN 4 THEN 'r1' END, ($1::bigint - 5 * n) * ${MS_PER_DAY}
       FROM (SELECT student_id FROM student ORDER BY student_id DESC LIMIT $2) AS others, course, generate_series(1, 4) AS n`,
      [model.today, others],
    );
    await world.db.query(
      `INSERT INTO state.key_mark (family, course_id, student_id, priority)
       SELECT 'engagement', course_id, student_id, 0 FROM state.image_activity_logs WHERE lsn = 0`,
    );
    await deriveAll(world.db, settings, 200);
    const attending = await world.db.query('SELECT attending[cardinality(attending)] AS n FROM state.course_class');
    expect(attending).toEqual([{ n: 2_000 - 1 }]);
    const before = await stored();
    await stage(log(3, 0));
    expect(await settle()).toEqual({ keys: 1, flags: 1, moved: 0 });
    expect(await stored()).toEqual(before);
  });

  test('counts from midnight on, which adds a day and leaves the others as they were', async () => {
    await stage(log(0, 0), log(5, 0));
    await settle();
    const [before] = await stored();
    await midnight();
    // Each key once, rows and flags.
    expect(await settle()).toEqual({ keys: SIZE, flags: SIZE, moved: 1 });
    const [after] = await stored();
    expect(after?.usual.startsWith(`${before?.usual.slice(0, -1)},`)).toBe(true);
    expect(await world.differences(model)).toEqual([]);
  });

  test('that comes after midnight and before the course’s turn is news still when that is over', async () => {
    await midnight();
    await stage(log(7, 0));
    await deriveBatch(world.db, engagementFamily, settings, 50);
    await deriveCourses(world.db, settings, 5);
    const first = await deriveBatch(world.db, engagementFamily, settings, 1);
    const [events] = await world.db.query<{ events_count: number }>(
      'SELECT events_count FROM engagement_features WHERE student_id = $1',
      [first.claimed[0]?.studentId ?? 0],
    );
    expect(events?.events_count).toBe(22);
    await settle();
    expect(await world.differences(model)).toEqual([]);
  });

  test('that comes between midnight and the course’s turn is seen', async () => {
    // Facts of the day before midnight that arrive after it.
    const late = Array.from({ length: 20 }, (_, n) => log(n, 0, 'submission', 'r3'));
    await midnight();
    model.today -= 1;
    await stage(...late.slice(0, 20));
    model.today += 1;
    await deriveBatch(world.db, engagementFamily, settings, 50);
    await settle();
    expect(await world.differences(model)).toEqual([]);
  });
});

describe('a late row', () => {
  test('that moves no number derives its key and the class, and nobody else', async () => {
    const before = await stored();
    await stage(log(3, 9));
    const counted = await settle();
    expect(counted).toEqual({ keys: 1, flags: 1, moved: 0 });
    expect(await stored()).toEqual(before);
    expect(await world.differences(model)).toEqual([]);
  });

  test('that moves one has every key judged again, once', async () => {
    const late = Array.from({ length: SIZE }, (_, n) => log(n, 8));
    await stage(...late);
    const { flags } = await settle();
    expect(flags).toBeGreaterThanOrEqual(SIZE);
    expect(flags).toBeLessThanOrEqual(3 * SIZE);
    expect(await world.differences(model)).toEqual([]);
  });

  test('waits for the keys of a course that are derived for no news', async () => {
    await stage(log(3, 8, 'submission', 'r5'));
    await deriveBatch(world.db, engagementFamily, settings, 50);
    expect(await marksOf()).toContainEqual({ of_class: true });
    await world.db.query(
      `INSERT INTO state.key_mark (family, course_id, student_id, priority, new_rows)
       SELECT family, course_id, student_id, 2, '{}' FROM state.key WHERE family = 'performance' OR family = 'engagement' LIMIT 1`,
    );
    await deriveCourses(world.db, settings, 5);
    expect(await marksOf()).toContainEqual({ of_class: true });
    await settle();
    expect(await marksOf()).toEqual([]);
  });
});

describe('while very many keys are derived', () => {
  const classMarks = async (): Promise<number> => (await marksOf()).filter((mark) => mark.of_class).length;
  const lateWork = async (): Promise<void> => {
    await stage(log(3, 8, 'submission', 'r5'));
    await deriveBatch(world.db, engagementFamily, settings, 50);
  };

  test('a class is left, and its course is looked at without it, whether that has moved meanwhile or not', async () => {
    await lateWork();
    await world.db.query(
      'INSERT INTO state.course_mark (course_id, of_class) SELECT course_id, false FROM state.course',
    );
    expect(await deriveCourses(world.db, settings, 5, { classes: true })).toMatchObject({ courses: 1, moved: 0 });
    expect(await deriveCourses(world.db, settings, 5, { classes: true })).toMatchObject({ courses: 0 });
    expect(await classMarks()).toBeGreaterThan(0);
    await stage(log(4, 100));
    await deriveBatch(world.db, engagementFamily, settings, 50);
    expect((await deriveCourses(world.db, settings, 5, { classes: true })).moved).toBe(1);
    expect(await deriveCourses(world.db, settings, 5, { classes: true })).toMatchObject({ courses: 0 });
    expect(await classMarks()).toBeGreaterThan(0);
    await settle();
    expect(await marksOf()).toEqual([]);
    expect(await world.differences(model)).toEqual([]);
  });

  const during = async (classesEveryMs: number, see: (work: Work) => Promise<void>): Promise<void> => {
    const work = new Work();
    const loop = startCourseDeriver({ db: world.db, settings, work, log: openLog('silent') }, { classesEveryMs });
    try {
      // Lets its first look pass.
      await sleep(200);
      await see(work);
    } finally {
      await loop.stop();
    }
  };
  const untilDerived = (): Promise<void> =>
    vi.waitFor(async () => expect(await classMarks()).toBe(0), { timeout: 20_000 });

  test('the deriver leaves it until that is over', () =>
    during(60_000, async (work) => {
      work.noteMany();
      await lateWork();
      for (let looks = 0; looks < 5; looks += 1) {
        work.noteMany();
        work.courses.wake();
        await sleep(150);
        expect(await classMarks()).toBeGreaterThan(0);
      }
      await untilDerived();
    }));

  test('the deriver takes it now and then where that goes on and on', () =>
    during(500, async (work) => {
      work.noteMany();
      await lateWork();
      const goesOn = setInterval(() => work.noteMany(), 100);
      try {
        await untilDerived();
        expect(work.hasMany).toBe(true);
      } finally {
        clearInterval(goesOn);
      }
    }));
});

test('two derivers of one class at once give one class', async () => {
  await stage(...Array.from({ length: SIZE }, (_, n) => log(n, 7, 'submission', 'r7')));
  await deriveBatch(world.db, engagementFamily, settings, 50);
  await Promise.all([1, 2, 3].map(() => deriveCourses(world.db, settings, 5)));
  await settle();
  expect(await world.differences(model)).toEqual([]);
});

test('a class of too few is none, and everything of it is unknown', async () => {
  const strict = { ...settings, deriving: { ...settings.deriving, leastClass: SIZE } };
  await world.db.query('INSERT INTO state.course_mark (course_id, of_class) SELECT course_id, true FROM state.course');
  await deriveAll(world.db, strict);
  const [{ n } = { n: -1 }] = await world.db.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM anomaly_features WHERE attention IS NOT NULL',
  );
  expect(n).toBe(0);
  expect(await world.differences(model, { least_class: String(SIZE) })).toEqual([]);
});
