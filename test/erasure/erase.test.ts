import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { openSettings } from '#libs/families/settings.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { countRows, readmitStudent, readProspect, readStanding } from '#libs/store/erasure/erasure.ts';
import { openSigner, verifyRecord } from '#libs/store/erasure/record.ts';
import { type RepairScene, repairImages } from '#libs/store/images/repair.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { COURSES, FIRST_TODAY, STUDENTS } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';
import { erase, KEY, rowsNaming, SIGNER, studentIdOf } from './support.ts';

const [ANN, BEN] = STUDENTS as [string, string];
const [COURSE] = COURSES as [string];
const settings = testSettings();
let world: World;
let lsn = 100n;

beforeAll(async () => {
  world = await World.create('erasure');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  await adoptSettings(world.db, settings);
});

const id = (table: number, n: number): string => `${table}0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const at = (epoch: number, position: bigint) => ({ position: { epoch, lsn: position }, committedAt: Number(position) });
const later = (epoch = 1) => {
  lsn += 1n;
  return at(epoch, lsn);
};
const grade = (n: number, student: string, value: string | null, stamp = later()): AnyRowChange => ({
  table: 'grades',
  op: 'create',
  id: id(2, n),
  after: {
    student_id: student,
    course_id: COURSE,
    grade_item: `item ${n}`,
    grade_value: value,
    grade_max: '20',
    timestamp: FIRST_TODAY * MS_PER_DAY - 3_600_000,
  },
  ...stamp,
});
const view = (n: number, student: string, day: number, stamp = later()): AnyRowChange => ({
  table: 'activity_logs',
  op: 'create',
  id: id(1, n),
  after: {
    student_id: student,
    course_id: COURSE,
    activity_type: 'view',
    resource_id: 'page',
    duration_seconds: '60',
    timestamp: (FIRST_TODAY - day) * MS_PER_DAY,
    metadata: null,
  },
  ...stamp,
});
const person = (student: string, op: 'create' | 'delete' = 'create', stamp = later()): AnyRowChange =>
  ({ table: 'students', op, id: student, ...(op === 'create' ? { after: {} } : {}), ...stamp }) as AnyRowChange;

async function take(...changes: AnyRowChange[]): Promise<void> {
  await stageBatch(world.db, { changes }, settings.reading, { fingerprint: settings.fingerprint });
  await deriveAll(world.db, settings);
}
const one = async <R extends object>(text: string, values: unknown[] = []): Promise<R | undefined> =>
  (await world.db.query<R>(text, values as string[]))[0];
const course = () =>
  one<{ first_fact: number; last_fact: number; covered_from: unknown }>(
    'SELECT first_fact, last_fact, covered_from FROM state.course JOIN course USING (course_id) WHERE source_id = $1',
    [COURSE],
  );

/** Ann and Ben have grades and views; Ann also has something in every place that can name her. */
async function fill(): Promise<number> {
  await take(person(ANN), person(BEN));
  await take(grade(1, BEN, '10'), grade(2, BEN, '12'), view(1, BEN, 3));
  const before = await course();
  expect(before).toBeDefined();
  await take(grade(11, ANN, '20'), grade(12, ANN, 'bad'), view(11, ANN, 20), view(12, ANN, 1));
  // A row that moved to another id keeps what it had.
  const { position, committedAt } = later();
  await take({ table: 'activity_logs', op: 'delete', id: id(1, 12), moved: true, position, committedAt }, {
    ...view(13, ANN, 1, { position, committedAt }),
    movedFrom: id(1, 12),
  } as AnyRowChange);
  const studentId = (await studentIdOf(world.db, ANN)) ?? 0;
  const payload = `no such schema; base64: ${Buffer.from(`\u0000\u0002H${ANN}tail`).toString('base64')}`;
  await stageBatch(
    world.db,
    {
      changes: [],
      undecodable: [
        { origin: 'lms.grades:0:1', table: 'grades', position: { epoch: 0, lsn: 0n }, reason: 'undecodable', payload },
      ],
    },
    settings.reading,
  );
  const { db } = world;
  await db.query(
    `INSERT INTO rejected_change (origin, source_table, epoch, lsn, reason, payload)
     VALUES ('performance_features:' || $1::integer || '/1', 'performance_features', 1, 1, 'internal_error', '{}')`,
    [studentId],
  );
  await db.query(
    `INSERT INTO state.pipeline_run (mode, scope, dry_run, requested_by, status, finished_at)
     VALUES ('reconcile', jsonb_build_object('student_id', $1::integer), true, 'api', 'succeeded', now())`,
    [studentId],
  );
  const examples = [
    {
      where: 'grades',
      kind: 'value differs',
      key: id(2, 11),
      expected: `{"student_id":${studentId},"x":1}`,
      found: null,
    },
    { where: 'grades', kind: 'row missed', key: id(2, 12), expected: '{"student_id":-1}', found: null },
    { where: 'engagement_features', kind: 'differs', key: `${studentId}/1`, expected: '1', found: '2' },
    { where: 'students', kind: 'row missed', key: ANN, expected: '{}', found: null },
    { where: 'grades', kind: 'value differs', key: id(2, 1), expected: `{"student_id":${studentId}1}`, found: null },
  ];
  await db.query(
    `INSERT INTO pipeline_logs (run_id, pipeline_name, status, completed_at, details)
     VALUES (gen_random_uuid(), 'reconcile', 'succeeded', now(), jsonb_build_object('scope', jsonb_build_object('student_id', $1::integer))),
       (gen_random_uuid(), 'reconcile', 'succeeded', now(), jsonb_build_object('scope', '{}'::jsonb, 'verdict', jsonb_build_object('examples', $2::jsonb))),
       (gen_random_uuid(), 'reconcile', 'failed', now(), jsonb_build_object('scope', '{}'::jsonb, 'verdict', NULL))`,
    [studentId, JSON.stringify(examples)],
  );
  await db.query(`INSERT INTO state.split_move VALUES ('students', 1, 7, $1, NULL)`, [ANN]);
  await db.query(`UPDATE state.key SET folded = '[]', set_aside = 'fault' WHERE student_id = $1::integer`, [studentId]);
  return studentId;
}

describe('a student is erased', () => {
  test('nothing names the student any more, and the others are as if the student had never been', async () => {
    await take(person(BEN), grade(1, BEN, '10'), grade(2, BEN, '12'), view(1, BEN, 3));
    const alone = await course();
    const features = () =>
      world.db.query(
        `SELECT s.source_id, to_jsonb(m) - 'updated_at' - 'student_id' - 'engagement_source_position' - 'performance_source_position'
           - 'anomaly_source_position' - 'source_committed_at' - 'feature_version' AS row
         FROM student_metrics AS m JOIN student AS s USING (student_id) ORDER BY 1`,
      );
    const ofBen = await features();
    const studentId = await fill();
    expect(await course()).not.toEqual(alone);
    expect((await rowsNaming(world.db, ANN, studentId)).length).toBeGreaterThan(20);

    const { record } = await erase(world.db, ANN);
    expect(await rowsNaming(world.db, ANN, studentId)).toEqual([]);
    await deriveAll(world.db, settings);
    expect(await rowsNaming(world.db, ANN, studentId)).toEqual([]);
    expect(await course()).toEqual(alone);
    expect(await features()).toEqual(ofBen);
    expect(record.removed).toMatchObject({
      rejected_change: 3,
      'state.pipeline_run': 1,
      pipeline_logs: 2,
      'state.image_grades': 2,
      'state.image_activity_logs': 3,
      'state.image_students': 1,
      engagement_features: 1,
      performance_features: 1,
      student: 1,
    });
    const [kept] = await world.db.query<{ keys: string[] }>(
      `SELECT ARRAY(SELECT e ->> 'key' FROM jsonb_array_elements(details #> '{verdict,examples}') AS e) AS keys
       FROM pipeline_logs WHERE jsonb_typeof(details #> '{verdict,examples}') = 'array'`,
    );
    expect(kept?.keys).toEqual([id(2, 1)]);
  });

  test('a dry run counts the same and changes nothing', async () => {
    const studentId = await fill();
    const before = await rowsNaming(world.db, ANN, studentId);
    const counted = await countRows(world.db, ANN);
    expect(await rowsNaming(world.db, ANN, studentId)).toEqual(before);
    const { record } = await erase(world.db, ANN);
    expect(record.removed).toEqual(counted);
  });

  test('the record names nobody, and shows when it was changed or signed with another key', async () => {
    await fill();
    const signed = await erase(world.db, ANN, 'asked for by letter');
    expect(JSON.stringify(signed)).not.toContain(ANN);
    expect(signed.record).toMatchObject({ requested_by: 'user:test', reason: 'asked for by letter' });
    expect(signed.record.student_digest).toMatch(/^[0-9a-f]{64}$/);
    expect(verifyRecord(signed, SIGNER)).toBe('genuine');
    const handedOn = JSON.parse(JSON.stringify(signed)) as typeof signed;
    expect(verifyRecord(handedOn, openSigner(KEY))).toBe('genuine');
    const changed = { ...signed, record: { ...signed.record, requested_by: 'user:other' } };
    expect(verifyRecord(changed, SIGNER)).toBe('changed');
    expect(verifyRecord({ ...signed, signature: `${signed.signature}0` }, SIGNER)).toBe('changed');
    expect(verifyRecord(signed, openSigner('another key, as long as it has to be'))).toBe('another key');
  });
});

test('who is named by nothing but a record that could not be read is erased as well', async () => {
  const payload = `no such schema; base64: ${Buffer.from(`\u0000\u0002H${ANN}\u0006Ann`).toString('base64')}`;
  const origin = { table: 'students', position: { epoch: 0, lsn: 0n }, reason: 'undecodable' } as const;
  const undecodable = [{ ...origin, origin: 'lms.students:0:1', payload }];
  await stageBatch(world.db, { changes: [], undecodable }, settings.reading);
  expect(await rowsNaming(world.db, ANN, 0)).toHaveLength(1);
  expect(await readProspect(world.db, BEN)).toEqual({ refused: 'unknown' });
  expect(await readProspect(world.db, ANN)).toMatchObject({
    refused: null,
    rows: { rejected_change: 1 },
    isDone: false,
  });
  const { record } = await erase(world.db, ANN);
  expect(record.removed).toEqual({ rejected_change: 1 });
  expect(await rowsNaming(world.db, ANN, 0)).toEqual([]);
  expect(await readProspect(world.db, ANN)).toMatchObject({ refused: null, isDone: true });
});

describe('nothing brings the student back', () => {
  const standing = async (student: string) => (await readStanding(world.db, student)).state;

  test('changes, redelivered and new, snapshots of a new epoch, adopted settings', async () => {
    const studentId = await fill();
    await erase(world.db, ANN);
    await take(grade(11, ANN, '20', at(1, 50n)), grade(13, ANN, '1'), view(20, ANN, 0), person(ANN));
    await take(person(ANN, 'delete'));
    await take(
      { ...grade(11, ANN, '20', at(2, 0n)), op: 'read' } as AnyRowChange,
      { ...grade(1, BEN, '10', at(2, 0n)), op: 'read' } as AnyRowChange,
      { ...person(ANN, 'create', at(2, 0n)), op: 'read' } as AnyRowChange,
    );
    await stageBatch(world.db, { changes: [], snapshotCompleted: { epoch: 2 } }, settings.reading);
    await deriveAll(world.db, settings);
    const others = { ...settings, fingerprint: 'others', described: { PASS_MARK: '60' } };
    await adoptSettings(world.db, others);
    await deriveAll(world.db, others);
    expect(await rowsNaming(world.db, ANN, studentId)).toEqual([]);
    expect(await standing(ANN)).toBe('erased');
    expect(await world.db.query('SELECT FROM student')).toHaveLength(1);
  });

  test('a row that goes over to the student leaves the one who had it, and comes back from the student', async () => {
    await fill();
    await erase(world.db, ANN);
    const average = async () =>
      (await one<{ avg_grade: string }>('SELECT avg_grade FROM performance_features'))?.avg_grade ?? null;
    expect(await average()).toBe('55.00');
    await take(grade(2, ANN, '12'));
    expect(await average()).toBe('50.00');
    // Late arrivals from before are refused as ever.
    await take(grade(2, BEN, '14', at(1, 60n)));
    expect(await average()).toBe('50.00');
    await take(grade(2, BEN, '20'));
    expect(await average()).toBe('75.00');
  });

  test('a record that cannot be decoded and names the student is kept without what it holds', async () => {
    const studentId = await fill();
    await erase(world.db, ANN);
    const payload = `no such schema; base64: ${Buffer.from(`\u0000\u0002H${ANN}tail`).toString('base64')}`;
    const record = (n: number, text: string) => ({
      origin: `lms.grades:0:${n}`,
      table: 'grades' as const,
      position: { epoch: 0, lsn: 0n },
      reason: 'undecodable' as const,
      payload: text,
    });
    await stageBatch(
      world.db,
      { changes: [], undecodable: [record(5, payload), record(6, `{"student": "${ANN}"}`), record(7, 'of somebody')] },
      settings.reading,
    );
    expect(await rowsNaming(world.db, ANN, studentId)).toEqual([]);
    const stored = await world.db.query<{ payload: string }>(
      "SELECT payload FROM rejected_change WHERE origin LIKE 'lms%' ORDER BY origin",
    );
    expect(stored.map((row) => row.payload)).toEqual([
      'not kept: it names a student who was erased',
      'not kept: it names a student who was erased',
      'of somebody',
    ]);
  });

  test('a repair that was decided before, by the reconcile', async () => {
    const studentId = await fill();
    const { db } = world;
    const ben = (await studentIdOf(db, BEN)) ?? 0;
    await openProgressStore(db).beginEpoch('pgoutput', 'here', 'a test');
    await erase(db, ANN);
    const scene: RepairScene = {
      table: 'grades',
      stream: 'pgoutput',
      epoch: 1,
      truncatePosition: null,
      settings: settings.reading,
      fingerprint: settings.fingerprint,
    };
    const columns = { grade_item: 'x', grade_value: '1', grade_max: '2', timestamp: 1 };
    const repairs = new Map([
      [id(2, 31), { found: undefined, expected: { ...columns, student_id: studentId, course_id: 1 }, student: ANN }],
      [id(2, 32), { found: undefined, expected: { ...columns, student_id: ben, course_id: 1 }, student: BEN }],
    ]);
    const repaired = await db.transaction((tx) => repairImages(tx, scene, repairs));
    expect([...repaired]).toEqual([id(2, 32)]);
    expect(await rowsNaming(db, ANN, studentId)).toEqual([]);
  });

  test('settings that name the student, then or later', async () => {
    const studentId = await fill();
    await erase(world.db, ANN);
    const excluding = await openSettings(loadConfig({ EXCLUDED_STUDENTS: `${ANN},${BEN}` }), world.db);
    expect([...excluding.excluded]).toEqual([await studentIdOf(world.db, BEN)]);
    expect(await rowsNaming(world.db, ANN, studentId)).toEqual([]);
    await adoptSettings(world.db, excluding);
    expect(await readStanding(world.db, BEN)).toMatchObject({ state: 'known', isExcluded: true });
  });

  test('who is admitted again comes back with what is read anew', async () => {
    await fill();
    await erase(world.db, ANN);
    expect(await readmitStudent(world.db, BEN)).toBe(false);
    expect(await readmitStudent(world.db, ANN)).toBe(true);
    expect(await standing(ANN)).toBe('unknown');
    await take(grade(11, ANN, '20', at(2, 0n)), person(ANN, 'create', at(2, 0n)));
    expect(await standing(ANN)).toBe('known');
    expect(
      await one('SELECT FROM performance_features AS f JOIN student USING (student_id) WHERE source_id = $1', [ANN]),
    ).toBeDefined();
  });
});
