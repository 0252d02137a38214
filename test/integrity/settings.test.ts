import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { type FeatureSettings, openSettings } from '#libs/families/settings.ts';
import { adoptSettings, requireSettings } from '#libs/pipeline/adopt.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar, readToday } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';

let world: World;
let model: SourceModel;

beforeAll(async () => {
  world = await World.create('settings');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
});

const configured = (env: Record<string, string>): Promise<FeatureSettings> => openSettings(loadConfig(env), world.db);

const grade = (value: string, item = 'Essay'): WrittenRow => ({
  table: 'grades',
  row: {
    student_id: '00000000-0000-4000-8000-000000000001',
    course_id: '00000000-0000-4000-8000-0000000000c1',
    grade_item: item,
    grade_value: value,
    grade_max: '100',
    timestamp: FIRST_TODAY * 86_400_000,
  },
});

test('the same configuration has the same fingerprint, another one another', async () => {
  const [a, b, other, another] = [
    await configured({}),
    await configured({ SESSION_GAP: '1800' }),
    await configured({ PASS_MARK: '60' }),
    await configured({ OUTLIER_THRESHOLD: '3.5' }),
  ];
  expect(another.fingerprint).not.toBe(a.fingerprint);
  expect(a.fingerprint).toBe(b.fingerprint);
  expect(other.fingerprint).not.toBe(a.fingerprint);
});

test('a process with settings other than those adopted neither stages nor derives', async () => {
  const [old, adopted] = [await configured({}), await configured({ ZERO_GRADES: 'graded' })];
  await adoptSettings(world.db, old);
  model.apply({ kind: 'write', slot: 1, written: grade('0'), toast: false });
  await stageBatch(world.db, { changes: model.changes }, old.reading, { fingerprint: old.fingerprint });
  expect(await adoptSettings(world.db, adopted)).toEqual(['ZERO_GRADES']);
  await expect(
    stageBatch(world.db, { changes: model.changes }, old.reading, { fingerprint: old.fingerprint }),
  ).rejects.toThrow(/other settings/);
  await expect(deriveBatch(world.db, performanceFamily, old, 10)).rejects.toThrow(/other settings/);
  await expect(requireSettings(world.db, old)).rejects.toThrow(/ZERO_GRADES/);
  await expect(requireSettings(world.db, adopted)).resolves.toBeUndefined();
});

test('adopting derives everything again, and adopting the same again nothing', async () => {
  const [old, adopted] = [await configured({}), await configured({ ZERO_GRADES: 'graded' })];
  await adoptSettings(world.db, old);
  model.apply({ kind: 'write', slot: 1, written: grade('0'), toast: false });
  await world.run([[{ changes: model.changes }]], old);
  const graded = (): Promise<object[]> => world.db.query('SELECT graded_items, avg_grade FROM performance_features');
  expect(await graded()).toEqual([{ graded_items: 0, avg_grade: null }]);
  await adoptSettings(world.db, adopted);
  await deriveAll(world.db, adopted);
  expect(await graded()).toEqual([{ graded_items: 1, avg_grade: '0.00' }]);
  expect(await adoptSettings(world.db, adopted)).toEqual([]);
  expect(await deriveAll(world.db, adopted)).toBe(0);
});

test('a database from before the definitions had a hash gets the next version: nobody knows which ones it had', async () => {
  const [now, later] = [await configured({}), { ...(await configured({})), fingerprint: 'later', features: 'later' }];
  const version = (): Promise<object[]> => world.db.query('SELECT feature_version FROM state.settings');
  await adoptSettings(world.db, now);
  await world.db.query("UPDATE state.settings SET fingerprint = 'before', features = NULL");
  await adoptSettings(world.db, now);
  expect(await version()).toEqual([{ feature_version: 2 }]);
  await adoptSettings(world.db, later);
  expect(await version()).toEqual([{ feature_version: 3 }]);
});

test('rows are judged again: what was rejected may read, and what read may be rejected', async () => {
  // Read as UTC, this is 23:30 at the end of 1999; read as New York's local time, it is 2000 in UTC.
  const [utc, west] = [await configured({}), await configured({ SOURCE_TIMEZONE: 'America/New_York' })];
  await adoptSettings(world.db, utc);
  const eve = grade('50');
  const written = { ...eve, row: { ...eve.row, timestamp: Date.UTC(1999, 11, 31, 23, 30) } } as WrittenRow;
  model.apply({ kind: 'write', slot: 1, written, toast: false });
  await world.run([[{ changes: model.changes }]], utc);
  const rejected = (): Promise<object[]> => world.db.query('SELECT reason FROM rejected_change');
  expect(await rejected()).toEqual([{ reason: 'no_time' }]);
  await adoptSettings(world.db, west);
  expect(await rejected()).toEqual([]);
  await deriveAll(world.db, west);
  expect(await world.db.query('SELECT graded_items FROM performance_features')).toEqual([{ graded_items: 1 }]);
  await adoptSettings(world.db, utc);
  expect(await rejected()).toEqual([{ reason: 'no_time' }]);
});

test('what stays rejected under new settings is counted once, also what failed for a fault of ours', async () => {
  const [loose, strict] = [await configured({}), await configured({ PASS_MARK: '60' })];
  await adoptSettings(world.db, loose);
  const eve = grade('50');
  model.apply({
    kind: 'write',
    slot: 1,
    written: { ...eve, row: { ...eve.row, grade_max: '0' } } as WrittenRow,
    toast: false,
  });
  await world.run([[{ changes: model.changes }]], loose);
  model.apply({ kind: 'write', slot: 2, written: grade('70'), toast: false });
  const fault = { rejectAs: 'internal_error', fingerprint: loose.fingerprint } as const;
  await stageBatch(world.db, { changes: model.changes.slice(-1) }, loose.reading, fault);
  const listed = (): Promise<object[]> =>
    world.db.query(
      'SELECT reason, total::integer FROM rejected_change JOIN state.rejected_total USING (source_table, reason) ORDER BY reason',
    );
  const before = [
    { reason: 'bad_max', total: 1 },
    { reason: 'internal_error', total: 1 },
  ];
  expect(await listed()).toEqual(before);
  await adoptSettings(world.db, strict);
  expect(await listed()).toEqual(before);
});

const VANCOUVER = { SOURCE_TIMEZONE: 'America/Vancouver', INSTITUTION_TIMEZONE: 'America/Vancouver' };

/** The database as on a server whose zone data disagree about the last clock change. */
const otherZoneData = (): Database => ({
  ...world.db,
  query: async (statement, values) => {
    const rows = await world.db.query(statement, values);
    const isZone = typeof statement !== 'string' && statement.name.endsWith('zone_transitions');
    return (isZone ? rows.slice(0, -1) : rows) as never;
  },
});

test('a server with other zone data is another setting, by name, until it is adopted', async () => {
  const before = await configured(VANCOUVER);
  await adoptSettings(world.db, before);
  expect((await configured(VANCOUVER)).fingerprint).toBe(before.fingerprint);
  const after = await openSettings(loadConfig(VANCOUVER), otherZoneData());
  await expect(requireSettings(world.db, after)).rejects.toThrow(
    'other settings: zone data of SOURCE_TIMEZONE, zone data of INSTITUTION_TIMEZONE',
  );
  expect(await adoptSettings(world.db, after)).toHaveLength(2);
  await expect(requireSettings(world.db, after)).resolves.toBeUndefined();
});

test('in another zone it may be the day before again', async () => {
  await adoptSettings(world.db, await configured({ INSTITUTION_TIMEZONE: 'Pacific/Auckland' }));
  const noon = FIRST_TODAY * MS_PER_DAY + MS_PER_DAY / 2;
  const clock = { now: () => noon - MS_PER_DAY + 4 * 3_600_000 };
  // In Auckland it is 5:00 of this day, in Vancouver 9:00 of the day before.
  await adoptSettings(world.db, await configured(VANCOUVER), clock);
  expect(await readToday(world.db)).toBe(FIRST_TODAY - 1);
  await adoptSettings(world.db, await configured({ ...VANCOUVER, PASS_MARK: '60' }), { now: () => 0 });
  expect(await readToday(world.db)).toBe(FIRST_TODAY - 1);
});

test('local times and days are those of the database, also where this Node knows the zone otherwise', async () => {
  const settings = await configured(VANCOUVER);
  const today = parseDay('2027-01-15');
  await world.db.query('DELETE FROM state.calendar');
  await beginCalendar(world.db, today);
  const later = new SourceModel(today);
  const key = { student_id: '00000000-0000-4000-8000-000000000001', course_id: '00000000-0000-4000-8000-0000000000c1' };
  // One UTC instant for each half hour of three days, as a due date and as an event just after it.
  for (let slot = 0; slot < 144; slot += 1) {
    const local = (today - 4) * MS_PER_DAY + slot * 1_800_000;
    const due = new Date(local + 7 * 3_600_000 + 1000).toISOString();
    const row = {
      ...key,
      activity_type: 'submission',
      resource_id: `r${slot}`,
      duration_seconds: null,
      timestamp: local,
    };
    const metadata = JSON.stringify({ due_at: due });
    later.apply({ kind: 'write', slot, written: { table: 'activity_logs', row: { ...row, metadata } }, toast: false });
  }
  await world.run([[{ changes: later.changes }]], settings);
  const zones = { source_timezone: 'America/Vancouver', institution_timezone: 'America/Vancouver' };
  expect(await world.differences(later, zones)).toEqual([]);
});
