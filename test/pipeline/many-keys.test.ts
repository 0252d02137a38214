import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { startDeriver } from '#libs/pipeline/derivers.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { COURSES, FIRST_TODAY } from '../property/rows.ts';
import { rowId } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('many');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

const login = (n: number, lsn: bigint): AnyRowChange => ({
  table: 'activity_logs',
  op: 'create',
  id: rowId('activity_logs', n),
  position: { epoch: 1, lsn },
  after: {
    student_id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    course_id: COURSES[0] ?? null,
    activity_type: 'login',
    resource_id: null,
    duration_seconds: null,
    timestamp: (FIRST_TODAY - 3) * 86_400_000,
    metadata: null,
  },
});

/** Unmarked keys of a known course. */
async function makeKeys(keys: number): Promise<void> {
  await stageBatch(world.db, { changes: Array.from({ length: keys }, (_, n) => login(n, 1n)) }, settings.reading);
  await deriveBatch(world.db, engagementFamily, settings, keys);
  await deriveCourses(world.db, settings, 1);
  await world.db.query('TRUNCATE state.key_mark');
}

/** Marks all keys, as midnight does. */
const markAll = () =>
  world.db.query(
    `INSERT INTO state.key_mark (family, course_id, student_id, priority)
     SELECT family, course_id, student_id, 2 FROM state.key WHERE family = 'engagement'`,
  );

/** Makes such keys, marks them with `mark`, and derives them with a deriver that reports them. */
async function deriveTelling(keys: number, mark: () => Promise<unknown>): Promise<Work> {
  await makeKeys(keys);
  await mark();
  const work = new Work();
  work.queueOf('anomaly').takeLook(0);
  const loops = startDeriver(engagementFamily, { db: world.db, settings, work, log: openLog('silent') });
  try {
    const marks = "SELECT FROM state.key_mark WHERE family = 'engagement'";
    await expect.poll(() => world.db.query(marks)).toEqual([]);
  } finally {
    await Promise.all(loops.map((loop) => loop.stop()));
  }
  return work;
}

test('very many keys are not offered to who derives flags: more may follow of each', async () => {
  const work = await deriveTelling(120, markAll);
  expect(await world.db.query("SELECT FROM state.key_mark WHERE family = 'anomaly'")).toHaveLength(120);
  expect(work.queueOf('anomaly').size).toBe(0);
  expect(work.queueOf('anomaly').takeLook(1)).toBe(true);
});

test('a few that are new are offered at once', async () => {
  const news = [200, 201].map((n) => login(n, 2n));
  const work = await deriveTelling(1, () => stageBatch(world.db, { changes: news }, settings.reading));
  expect(work.queueOf('anomaly').size).toBe(2);
});

test('that there are many is forgotten by itself', async () => {
  const work = new Work();
  expect(work.hasMany).toBe(false);
  work.noteMany();
  expect(work.hasMany).toBe(true);
  await expect.poll(() => work.hasMany).toBe(false);
});

test('while a day begins for one course after another, news alone is derived', async () => {
  await makeKeys(3);
  await markAll();
  const work = new Work();
  work.noteNewDays(true);
  const marks = (priority: number) =>
    world.db.query('SELECT FROM state.key_mark WHERE family = $1 AND priority = $2', ['engagement', priority]);
  const loops = startDeriver(engagementFamily, { db: world.db, settings, work, log: openLog('silent') });
  try {
    const { marked } = await stageBatch(world.db, { changes: [login(900, 2n)] }, settings.reading);
    work.tell({ keys: marked });
    await expect.poll(() => marks(0)).toEqual([]);
    expect(await marks(2)).toHaveLength(3);
    work.noteNewDays(false);
    await expect.poll(() => marks(2)).toEqual([]);
  } finally {
    await Promise.all(loops.map((loop) => loop.stop()));
  }
});

test('news waits for no batch of keys that wait for none', async () => {
  await makeKeys(450);
  await markAll();
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const batches: number[] = [];
  const slow: typeof engagementFamily = {
    ...engagementFamily,
    read: async (tx, keys, reading) => {
      batches.push(keys.length);
      if (keys.length > 50) await gate;
      return engagementFamily.read(tx, keys, reading);
    },
  };
  const work = new Work();
  const loops = startDeriver(slow, { db: world.db, settings, work, log: openLog('silent') });
  try {
    await expect.poll(() => batches).toEqual([200]);
    const { marked } = await stageBatch(world.db, { changes: [login(900, 2n)] }, settings.reading);
    work.tell({ keys: marked });
    const news = "SELECT FROM state.key_mark WHERE family = 'engagement' AND priority = 0";
    await expect.poll(() => world.db.query(news)).toEqual([]);
    expect(batches.filter((keys) => keys > 50)).toEqual([200]);
  } finally {
    open();
    await Promise.all(loops.map((loop) => loop.stop()));
  }
});
