import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { MARK_PRIORITY } from '#libs/store/keys/marks.ts';
import { COURSES, FIRST_TODAY, STUDENTS, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { Gate, heldAfter } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

/** Flags follow from what two other families store: which changes reach them, and that nothing else does. */
const settings = testSettings();
let world: World;
let model: SourceModel;

beforeAll(async () => {
  world = await World.create('anomaly');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
});

const [STUDENT = '', OTHER = ''] = STUDENTS;
const [COURSE = ''] = COURSES;
const at = (daysAgo: number): number => (FIRST_TODAY - daysAgo) * MS_PER_DAY + 43_200_000;

const activity = (daysAgo: number, student = STUDENT, type = 'quiz'): WrittenRow => ({
  table: 'activity_logs',
  row: {
    student_id: student,
    course_id: COURSE,
    activity_type: type,
    resource_id: null,
    duration_seconds: null,
    timestamp: at(daysAgo),
    metadata: null,
  },
});
const completion = (daysAgo: number, state: number): WrittenRow => {
  const { row } = activity(daysAgo, OTHER, 'completion');
  return {
    table: 'activity_logs',
    row: { ...row, resource_id: 'r', metadata: `{"state": ${state}}` } as typeof row,
  } as WrittenRow;
};
const enrolment = (daysAgo: number): WrittenRow => ({
  table: 'enrollments',
  row: { student_id: STUDENT, course_id: COURSE, enrolled_at: at(daysAgo) },
});
const grade = (item: string, value: string, daysAgo: number): WrittenRow => ({
  table: 'grades',
  row: {
    student_id: STUDENT,
    course_id: COURSE,
    grade_item: item,
    grade_value: value,
    grade_max: '100',
    timestamp: at(daysAgo),
  },
});

/** Stages these rows without deriving them. */
async function stage(...rows: readonly WrittenRow[]): Promise<void> {
  const from = model.changes.length;
  model.apply({ kind: 'habit', rows });
  await stageBatch(world.db, { changes: model.changes.slice(from) }, settings.reading);
}

async function settle(...rows: readonly WrittenRow[]): Promise<void> {
  await stage(...rows);
  await deriveAll(world.db, settings);
}

const marks = (family = 'anomaly'): Promise<{ priority: number; lsn: bigint | null }[]> =>
  world.db.query('SELECT priority, lsn FROM state.key_mark WHERE family = $1 ORDER BY lsn', [family]);

interface Row {
  readonly inactivity: { readonly value: number } | null;
  readonly as_of: number;
  readonly row_version: bigint;
  readonly source_position: string | null;
}

/** The rows of the student under test. */
const rows = (): Promise<Row[]> =>
  world.db.query(
    `SELECT inactivity, as_of_date - date '1970-01-01' AS as_of, row_version, source_position
     FROM anomaly_features JOIN student USING (student_id) WHERE source_id = $1`,
    [STUDENT],
  );

const differences = (): Promise<object[]> => world.differences(model);

describe('what marks a key', () => {
  test('a row or series that changes, in the transaction that changes it', async () => {
    await settle(activity(30), activity(1, OTHER));
    await stage(activity(20));
    const gate = new Gate();
    const held = deriveBatch(heldAfter(world.db, 'marks_add', gate), engagementFamily, settings, 9);
    await gate.reached;
    const events = (): Promise<object[]> => world.db.query('SELECT events_count FROM engagement_features ORDER BY 1');
    expect([await marks(), await events()]).toEqual([[], [{ events_count: 1 }, { events_count: 1 }]]);
    gate.open();
    await held;
    expect(await marks()).toHaveLength(1);
    expect(await events()).toMatchObject([{ events_count: 1 }, { events_count: 2 }]);
  });

  test('a change is told with its position and urgency, a repetition is not', async () => {
    await settle(activity(30), activity(1, OTHER));
    await stage(activity(20));
    await deriveBatch(world.db, engagementFamily, settings, 9);
    expect(await marks()).toEqual([{ priority: MARK_PRIORITY.live, lsn: 103n }]);
    await deriveAll(world.db, settings);
    const [row] = await rows();
    expect(row).toMatchObject({ inactivity: { value: 20 }, source_position: '1:0/67' });

    // The same event again under another id.
    await stage(activity(20));
    await deriveBatch(world.db, engagementFamily, settings, 9);
    expect(await marks()).toEqual([]);
    expect(await deriveAll(world.db, settings)).toBe(0);
    expect(await differences()).toEqual([]);
  });

  test('a grade, of the one family, and activity, of the other', async () => {
    await settle(...['a', 'b', 'c', 'd'].map((item, n) => grade(item, '80', 20 - n)), activity(0, OTHER));
    await stage(grade('e', '10', 2));
    await deriveBatch(world.db, performanceFamily, settings, 9);
    expect(await marks()).toHaveLength(1);
    await deriveAll(world.db, settings);
    expect(
      await world.db.query("SELECT grade_drop ->> 'item' AS item FROM anomaly_features WHERE grade_drop IS NOT NULL"),
    ).toEqual([{ item: 'e' }]);
    expect(await differences()).toEqual([]);
  });

  test('a row that goes, and with the last of both goes its own', async () => {
    await settle(activity(20), grade('a', '80', 3), activity(0, OTHER));
    expect(await rows()).toHaveLength(1);
    for (const table of ['activity_logs', 'grades'] as const) {
      const from = model.changes.length;
      model.apply({ kind: 'truncate', table });
      await stageBatch(world.db, { changes: model.changes.slice(from) }, settings.reading);
      await deriveAll(world.db, settings);
      expect(await differences()).toEqual([]);
    }
    expect(await rows()).toEqual([]);
    expect(await world.db.query('SELECT FROM state.anomaly_series')).toEqual([]);
  });
});

describe('the day that flags speak for', () => {
  const midnight = async (): Promise<void> => {
    model.today += 1;
    await rollOver(world.db, model.today);
  };

  test('is that of the row that is behind: nothing closes because a series is not derived yet', async () => {
    await settle(activity(19), activity(18), activity(17), activity(30), grade('a', '80', 1), activity(0, OTHER));
    await settle(activity(40), activity(39), activity(38));
    const [before] = await rows();
    expect(before).toMatchObject({ as_of: FIRST_TODAY, inactivity: { value: 17 } });
    await midnight();
    // The day of the course moves first, then that of one row, then that of the other.
    await deriveBatch(world.db, anomalyFamily, settings, 9);
    await deriveCourses(world.db, settings, 9);
    await deriveBatch(world.db, performanceFamily, settings, 9);
    expect(await marks()).toMatchObject([{ priority: MARK_PRIORITY.bulk }]);
    await deriveBatch(world.db, anomalyFamily, settings, 9);
    expect(await rows()).toEqual([before]);
    await deriveAll(world.db, settings);
    expect((await rows())[0]?.as_of).toBe(FIRST_TODAY + 1);
    expect(await differences()).toEqual([]);
  });

  test('also moves where no feature does, and no series is', async () => {
    // Enrolled on an unknown day and never seen: a row without days.
    const undated = { student_id: STUDENT, course_id: COURSE, enrolled_at: null };
    await settle({ table: 'enrollments', row: undated }, activity(0, OTHER));
    const [before] = await rows();
    await midnight();
    // The class marks flags, too; whoever takes that mark before the row's day moves sees no change.
    await deriveBatch(world.db, anomalyFamily, settings, 9);
    await deriveCourses(world.db, settings, 9);
    await deriveBatch(world.db, anomalyFamily, settings, 9);
    expect(await rows()).toEqual([before]);
    await deriveAll(world.db, settings);
    expect(await differences()).toEqual([]);
    expect(await rows()).toEqual([{ ...before, as_of: FIRST_TODAY + 1 }]);
  });
});

describe('what is not in the rows', () => {
  test('the first event of the course moves, and inactivity is counted from another day', async () => {
    // Nobody logs in or views, and the first fact is a completion: the enrolled student's row and days are the same
    // whenever the first event happened.
    await settle(completion(46, 0), completion(45, 1), enrolment(40), activity(16, OTHER), activity(0, OTHER));
    expect((await rows())[0]?.inactivity).toMatchObject({ value: 16 });
    await settle(activity(30, OTHER));
    expect((await rows())[0]?.inactivity).toMatchObject({ value: 30 });
    expect(await differences()).toEqual([]);
    model.apply({ kind: 'truncate', table: 'activity_logs' });
    await stageBatch(world.db, { changes: model.changes.slice(-1) }, settings.reading);
    await settle(activity(3, OTHER));
    expect((await rows())[0]).toMatchObject({ inactivity: null });
    expect(await differences()).toEqual([]);
  });

  test('coverage of days before the first row moves, and baselines hold other days', async () => {
    // A grade begins the key, which enrols later. Another student's logins decide which of the days between are scored.
    const habit = Array.from({ length: 41 }, (_, n) => activity(40 - n, STUDENT, 'login'));
    await settle(grade('a', '80', 60), enrolment(41), ...habit, activity(25, OTHER, 'login'));
    expect(await differences()).toEqual([]);
    await settle(activity(59, OTHER, 'login'));
    expect(await differences()).toEqual([]);
  });
});

test('what is written while flags are derived is seen by the next derivation', async () => {
  await settle(...['a', 'b', 'c', 'd'].map((item, n) => grade(item, '80', 20 - n)), activity(20), activity(0, OTHER));
  await stage(activity(5));
  await deriveBatch(world.db, engagementFamily, settings, 9);
  const gate = new Gate();
  const held = deriveBatch(heldAfter(world.db, 'stored_days', gate), anomalyFamily, settings, 9);
  await gate.reached;
  await stage(grade('e', '10', 2));
  await deriveBatch(world.db, performanceFamily, settings, 9);
  // Another deriver finds the mark, but the key is locked.
  expect(await deriveBatch(world.db, anomalyFamily, settings, 9)).toMatchObject({ claimed: [], contended: true });
  gate.open();
  await held;
  expect(await marks()).toHaveLength(1);
  await deriveAll(world.db, settings);
  expect(await differences()).toEqual([]);
});

test('the outbox has a changed row once, a row that went, and nothing where topics are off', async () => {
  const topics: FeatureSettings = { ...settings, topics: true };
  const waiting = (): Promise<object[]> =>
    world.db.query("SELECT student_id FROM outbox WHERE topic = 'prepadata.anomaly'");
  await settle(activity(20), activity(0, OTHER));
  expect(await waiting()).toEqual([]);
  await stage(activity(16));
  await deriveAll(world.db, topics);
  expect(await waiting()).toHaveLength(1);
  await world.db.query('DELETE FROM outbox');
  await stage(activity(16));
  await deriveAll(world.db, topics);
  expect(await waiting()).toEqual([]);
  model.apply({ kind: 'truncate', table: 'activity_logs' });
  await stageBatch(world.db, { changes: model.changes.slice(-1) }, settings.reading);
  await deriveAll(world.db, topics);
  expect(await waiting()).toHaveLength(2);
});

test('a database from before there were flags gets them when the settings that came with them are adopted', async () => {
  const old: FeatureSettings = { ...settings, fingerprint: 'without OUTLIER_THRESHOLD' };
  await adoptSettings(world.db, old);
  model.apply({ kind: 'habit', rows: [activity(20), grade('a', '80', 3), activity(0, OTHER)] });
  await world.run([[{ changes: model.changes }]], old);
  // The state that the migration finds.
  await world.db.query(
    `TRUNCATE anomaly_features, state.anomaly_series;
     DELETE FROM state.key WHERE family = 'anomaly';
     UPDATE state.engagement_series SET active = DEFAULT;
     UPDATE state.performance_series SET graded = DEFAULT`,
  );
  const [before] = await world.db.query(
    'SELECT array_agg(row_version ORDER BY student_id) AS versions FROM engagement_features',
  );
  await adoptSettings(world.db, settings);
  await deriveAll(world.db, settings);
  expect(await differences()).toEqual([]);
  // Rows of the other families are unchanged, and so are not sent again.
  const [after] = await world.db.query(
    'SELECT array_agg(row_version ORDER BY student_id) AS versions FROM engagement_features',
  );
  expect(after).toEqual(before);
});
