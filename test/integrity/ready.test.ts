import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { startCourseDeriver } from '#libs/pipeline/derivers.ts';
import { rollOver, setBack } from '#libs/pipeline/rollover.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import { Countdown } from '#libs/platform/time-left.ts';
import { countKeys, readAwaited } from '#libs/serve/backlog.ts';
import { readReadiness } from '#libs/serve/health.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { KeyCursor } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITIES } from '#libs/store/keys/marks.ts';
import { intakeName, reportInstance } from '#libs/store/progress/instances.ts';
import { openPartitionProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { COURSES, FIRST_TODAY, STUDENTS, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';

/* Ready means that what an initial snapshot, a new epoch or adopted settings brought is served completely. */

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('ready');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

const reasons = async (now = 0, countdown = new Countdown()): Promise<readonly string[]> => {
  const answer = await readReadiness(world.db, { reasons: [], status: null, roles: [], now, countdown });
  return answer.status === 'ready' ? [] : answer.reasons;
};

const key = (n: number) => ({ student_id: STUDENTS[n % 3] ?? null, course_id: COURSES[n % 2] ?? null });

/** Weeks of logins and views, and a grade a week, of three students in two courses: each changes what the earlier ones led to. */
function fill(model: SourceModel): void {
  for (let n = 0; n < 120; n += 1) {
    const timestamp = (FIRST_TODAY - (n % 40) - 10 * (n % 3)) * 86_400_000 + n;
    const activity_type = n % 7 === 0 ? 'view' : 'login';
    const row = { ...key(n), activity_type, resource_id: null, duration_seconds: null, timestamp, metadata: null };
    model.apply({ kind: 'write', slot: n, written: { table: 'activity_logs', row }, toast: false });
    if (n % 5 > 0) continue;
    const grade = { ...key(n), grade_item: `Essay ${n}`, grade_value: String(n), grade_max: '120', timestamp };
    model.apply({ kind: 'write', slot: n, written: { table: 'grades', row: grade }, toast: false });
  }
}

const login = (n: number, day: number): WrittenRow => {
  const timestamp = (FIRST_TODAY - day) * 86_400_000;
  const rest = { activity_type: 'login', resource_id: null, duration_seconds: null, timestamp, metadata: null };
  return { table: 'activity_logs', row: { ...key(n), ...rest } };
};

/** What is served, without stamps. */
const served = (): Promise<unknown[]> =>
  world.db.query(
    `SELECT to_jsonb(m) - ARRAY(SELECT column_name FROM information_schema.columns
                                WHERE table_name = 'student_metrics' AND column_name ~ '_at$|version|source_') AS row
     FROM student_metrics AS m ORDER BY student_id, course_id`,
  );

const stage = (batch: ChangeBatch): Promise<unknown> => stageBatch(world.db, batch, settings.reading);

/** Any place that a search for keys may have reached. */
function anywhere(step: number): { cursor: KeyCursor } {
  const cursor = new KeyCursor();
  for (const priority of MARK_PRIORITIES) cursor.moveTo(priority, { courseId: step % 3, studentId: (step * 7) % 5 });
  return { cursor };
}

/** One step of each deriver, as in its loop. */
const STEPS = [
  (step: number) => deriveBatch(world.db, anomalyFamily, settings, 1, anywhere(step)),
  (step: number) => deriveBatch(world.db, engagementFamily, settings, 1, anywhere(step)),
  () => deriveCourses(world.db, settings, 1),
  (step: number) => deriveBatch(world.db, performanceFamily, settings, 2, anywhere(step)),
] as const;

/** Derives step by step in the given order. @returns what was served at each moment that was reported ready */
async function deriveWatching(order: (step: number) => number): Promise<unknown[][]> {
  const seen: unknown[][] = [];
  for (let step = 0; seen.length < 12; step += 1) {
    if ((await reasons()).length === 0) seen.push(await served());
    await STEPS[order(step) % STEPS.length]?.(step);
  }
  await deriveAll(world.db, settings);
  return seen;
}

/** Like pgoutput: in pieces, followed by an end. */
async function readEverything(model: SourceModel): Promise<void> {
  const epoch = await openProgressStore(world.db).beginEpoch('pgoutput', 'a server', 'a test');
  const changes = model.snapshot().map((change) => ({ ...change, position: { epoch, lsn: 0n } }));
  await stage({ changes, isPartOfSnapshot: true });
  await stage({ changes: [], snapshotCompleted: { epoch }, progress: { stream: 'pgoutput', epoch, applied: 1n } });
}

test.each([
  ['in turn', (step: number) => step],
  ['courses seldom', (step: number) => (step % 9 === 8 ? 2 : [0, 1, 3][step % 3]) ?? 0],
  ['engagement first', (step: number) => (step < 40 ? 1 : step)],
])('an initial snapshot: ready when all of it is derived and not before (%s)', async (_, order) => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await readEverything(model);
  expect(await reasons()).toEqual([
    'what was read of the source is not all derived: 12 keys to go (engagement 6, performance 6, anomaly 0), and 0 courses',
  ]);
  const seen = await deriveWatching(order);
  const whole = await served();
  expect(whole).toHaveLength(6);
  for (const moment of seen) expect(moment).toEqual(whole);
});

const versions = (): Promise<unknown[]> => world.db.query('SELECT version FROM state.course ORDER BY course_id');

test('a course is looked at once all of its keys of a snapshot have said what they say, and moves once', async () => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await readEverything(model);
  const look = () => deriveCourses(world.db, settings, 10, { newCourses: true });
  expect(await look()).toMatchObject({ courses: 0, waiting: 0 });
  await deriveBatch(world.db, engagementFamily, settings, 50);
  expect(await look()).toMatchObject({ courses: 0, waiting: 2 });
  // Keys are taken in order: those of the first course, and one of the second.
  await deriveBatch(world.db, performanceFamily, settings, 4);
  expect(await look()).toMatchObject({ courses: 1, moved: 1, waiting: 1 });
  await deriveBatch(world.db, performanceFamily, settings, 50);
  expect(await look()).toMatchObject({ courses: 1, moved: 1, waiting: 0 });
  // Once for the course and once for its class, in one transaction.
  expect(await versions()).toEqual([{ version: 2n }, { version: 2n }]);
  // From here on only the class moves, which follows from the keys, and with it the flags.
  await deriveAll(world.db, settings);
  // Later changes from the log wait for nothing.
  const change = { kind: 'write', slot: 500, written: login(0, 90), toast: false } as const;
  model.apply(change);
  await stage({ changes: model.changes.slice(-1) });
  await deriveBatch(world.db, engagementFamily, settings, 50);
  expect(await look()).toMatchObject({ courses: 1, moved: 1, waiting: 0 });
  await deriveAll(world.db, settings);
  expect(await world.differences(model)).toEqual([]);
});

test('nobody derives the one family: the courses of a snapshot are not waited for without end', async () => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await readEverything(model);
  await deriveBatch(world.db, engagementFamily, settings, 50);
  const deriver = startCourseDeriver(
    { db: world.db, settings, work: new Work(), log: openLog('silent') },
    { patienceMs: 100 },
  );
  try {
    await expect.poll(versions).toEqual([{ version: 1n }, { version: 1n }]);
  } finally {
    await deriver.stop();
  }
});

test('while it is read the reason says so, and that nothing is derived', async () => {
  const epoch = await openProgressStore(world.db).beginEpoch('pgoutput', 'a server', 'a test');
  expect(await reasons()).toEqual([
    `the initial snapshot of the source is under way (pgoutput, epoch ${epoch}): nothing is derived before its end`,
  ]);
});

test('news of a key that is still waited for takes what follows from the initial snapshot with it', async () => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await readEverything(model);
  for (let n = 0; n < 6; n += 1) {
    const change = { kind: 'write', slot: 500 + n, written: login(n, 50 + n), toast: false } as const;
    model.apply(change);
    const [last] = model.changes.slice(-1);
    if (last !== undefined) await stage({ changes: [last] });
  }
  // The news is derived first, and with it what the initial snapshot marked.
  const seen = await deriveWatching((step) => step);
  const whole = await served();
  for (const moment of seen) expect(moment).toEqual(whole);
});

test('news and a midnight do not take readiness away', async () => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await readEverything(model);
  await deriveAll(world.db, settings);
  expect(await reasons()).toEqual([]);

  model.apply({ kind: 'write', slot: 900, written: login(1, 60), toast: false });
  const [news] = model.changes.slice(-1);
  if (news !== undefined) await stage({ changes: [news] });
  expect(await rollOver(world.db, FIRST_TODAY + 1)).toBe(true);
  let marks = 0;
  for (let step = 0; step < 200; step += 1) {
    marks += (await world.db.query('SELECT FROM state.key_mark')).length;
    expect(await reasons()).toEqual([]);
    await STEPS[step % STEPS.length]?.(step);
  }
  expect(marks).toBeGreaterThan(0);
});

test('adopted settings and a new epoch take it away until they are derived', async () => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await adoptSettings(world.db, settings);
  await readEverything(model);
  await deriveAll(world.db, settings);
  expect(await reasons()).toEqual([]);

  await adoptSettings(world.db, { ...settings, fingerprint: 'another', described: { PASS_MARK: '60' } });
  expect(await reasons()).toEqual([
    expect.stringMatching(/^what was read .* 18 keys to go .* anomaly 6\), and 2 courses$/),
  ]);
  await world.db.query(`UPDATE state.settings SET fingerprint = $1`, [settings.fingerprint]);
  await deriveAll(world.db, settings);
  expect(await reasons()).toEqual([]);

  await readEverything(model);
  expect(await reasons()).toEqual([expect.stringMatching(/18 keys to go/)]);
  await deriveAll(world.db, settings);
  expect(await reasons()).toEqual([]);
});

test('a day that is set back is the one that features speak for again, whole before it is ready', async () => {
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  for (const day of [-1, -2, -3]) {
    model.apply({ kind: 'write', slot: 800 - day, written: login(-day, day), toast: false });
  }
  await readEverything(model);
  await deriveAll(world.db, settings);
  await rollOver(world.db, FIRST_TODAY + 3);
  await deriveAll(world.db, settings);
  model.today += 3;
  expect(await world.differences(model)).toEqual([]);

  expect(await setBack(world.db, FIRST_TODAY)).toBe(true);
  model.today -= 3;
  expect(await reasons()).toEqual([expect.stringMatching(/18 keys to go .* and 2 courses/)]);
  const seen = await deriveWatching((step) => step);
  const whole = await served();
  for (const moment of seen) expect(moment).toEqual(whole);
  expect(await world.differences(model)).toEqual([]);
  expect(await setBack(world.db, FIRST_TODAY)).toBe(false);
  // And forward again.
  await rollOver(world.db, FIRST_TODAY + 1);
  await deriveAll(world.db, settings);
  model.today += 1;
  expect(await world.differences(model)).toEqual([]);
});

test('over Kafka: ready when the topics are taken in as far as the initial snapshot reaches, and derived', async () => {
  const { db } = world;
  const partitions = openPartitionProgress(db);
  const progress = openProgressStore(db);
  const self = { id: STUDENTS[0] ?? '', roles: ['engagement'], host: 'here', pid: 1, startedAt: 0 };
  const intake = intakeName('engagement', 'kafka');
  const ofTopics = async (): Promise<readonly string[]> => {
    await reportInstance(db, { ...self, intake, troubles: [], staged: 0, streamed: 0, changed: 0, source: null });
    const asked = { reasons: [], status: null, roles: ['engagement'], now: Date.now(), countdown: new Countdown() };
    const answer = await readReadiness(db, asked);
    return answer.status === 'ready' ? [] : answer.reasons;
  };
  expect(await ofTopics()).toEqual([
    'nothing of the source is read into topics yet: npm run register -- --watch sees to it',
  ]);
  const epoch = await progress.beginEpoch('debezium', 'a server', 'a test');
  expect(await ofTopics()).toEqual([expect.stringMatching(/initial snapshot .* \(debezium, /)]);
  await db.query(`UPDATE stream_progress SET phase = 'streaming' WHERE stream = 'debezium'`);
  expect(await ofTopics()).toEqual([
    `topics are not taken in as far as the initial snapshot of epoch ${epoch} reaches; partitions: activity_logs (1), courses (1), enrollments (1), grades (1), students (1)`,
  ]);

  const tables = ['students', 'courses', 'enrollments', 'grades', 'activity_logs'] as const;
  await partitions.noteTopics(tables.map((table) => ({ table, topic: `lms.public.${table}`, partitions: 2 })));
  const streams = tables.flatMap((table) => [0, 1].map((n) => `kafka:lms.public.${table}:${n}`));
  // Partitions of a topic that was read under an earlier name do not count.
  await partitions.open([...streams, 'kafka:old.public.grades:0'], 'a cluster');
  await partitions.noteStaged(streams.slice(0, 7), epoch);
  expect(await ofTopics()).toEqual([expect.stringMatching(/partitions: activity_logs \(2\), grades \(1\)$/)]);
  const model = new SourceModel(FIRST_TODAY);
  fill(model);
  await stage({ changes: model.snapshot() });
  await partitions.noteStaged(streams, epoch);
  expect(await ofTopics()).toEqual([expect.stringMatching(/not all derived: 12 keys to go/)]);
  const seen = await deriveWatching((step) => step);
  const whole = await served();
  for (const moment of seen) expect(moment).toEqual(whole);
  expect(await ofTopics()).toEqual([]);

  // A new epoch starts from nothing.
  await progress.beginEpoch('debezium', 'a server', 'a test');
  await db.query(`UPDATE stream_progress SET phase = 'streaming' WHERE stream = 'debezium'`);
  expect(await ofTopics()).toEqual([expect.stringMatching(/initial snapshot of epoch \d+ reaches; .*grades \(2\)/)]);
});

test('of very many keys that wait some are counted, and the others estimated', async () => {
  const add = (marks: number, perKey: number): Promise<void> =>
    world.db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO state.key_mark (family, course_id, student_id, priority, awaited)
         SELECT 'engagement', 1, n / $2::integer, 1, true FROM generate_series(0, $1::integer - 1) AS n`,
        [marks, perKey],
      );
      // Otherwise the server publishes its statistics up to ten seconds later.
      await tx.query('SELECT pg_stat_force_next_flush()');
    });
  const counted = async (): Promise<string> => countKeys(await readAwaited(world.db));
  await add(19_000, 1);
  expect(await counted()).toBe('19,000 keys');
  await world.db.query('TRUNCATE state.key_mark');
  await add(50_000, 1);
  await world.db.query('ANALYZE state.key_mark');
  expect(await counted()).toBe('about 50,000 keys');
  await world.db.query('TRUNCATE state.key_mark');
  await add(24_000, 2);
  await world.db.query('ANALYZE state.key_mark');
  expect(await counted()).toBe('about 12,000 keys');
});

test('where the server has lost its count, it is said that there are more keys', () => {
  const counted = { engagement: 20_000, performance: 0, anomaly: 0 };
  expect(countKeys({ keys: 20_000, counted, isAll: false, courses: 0 })).toBe('more than 20,000 keys');
});

test('how long the rest takes is said by how many keys are derived', async () => {
  const countdown = new Countdown();
  const mark = `INSERT INTO state.key_mark (family, course_id, student_id, priority, awaited)
    SELECT 'engagement', 1, n, 1, true FROM generate_series(1, 1000) AS n`;
  await world.db.query(mark);
  expect(await reasons(0, countdown)).toEqual([expect.stringMatching(/1,000 keys to go \(.*\), and 0 courses$/)]);
  await world.db.query('DELETE FROM state.key_mark WHERE student_id <= 400');
  expect(await reasons(10_000, countdown)).toEqual([expect.stringMatching(/ 600 keys .* courses, about 15 s to go$/)]);
  await world.db.query('DELETE FROM state.key_mark');
  expect(await reasons(20_000, countdown)).toEqual([]);
});
