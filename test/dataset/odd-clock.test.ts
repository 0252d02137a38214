import { afterAll, beforeAll, expect, test } from 'vitest';
import { MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { askOracle, compareRows } from '../support/oracle.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';
import { DatasetWorld, printed, TABLES_OF_SETS } from './world.ts';

/*
 * Until 2011 Newfoundland's clock went back at one minute past midnight: an hour of the previous day followed the first
 * minute of the next. A day's facts then follow from other rows than those before its end.
 */

const ZONE = { SOURCE_TIMEZONE: 'UTC', INSTITUTION_TIMEZONE: 'America/St_Johns' };
const DAYS = ['2010-11-05', '2010-11-06', '2010-11-07', '2010-11-12'].map(parseDay);
const [STUDENT, OTHER, COURSE] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000001`);

let world: DatasetWorld;
beforeAll(async () => {
  world = await DatasetWorld.open('dataset_clock', LAX_SOURCE_SCHEMA);
  const { db } = world.source;
  await db.query(
    `INSERT INTO students (id) VALUES ('${STUDENT}'), ('${OTHER}'); INSERT INTO courses (id) VALUES ('${COURSE}')`,
  );
  // 02:30:30Z is the 7th at 00:00:30; at 02:31Z the clock goes back to 23:01 of the 6th.
  const completion = (student: string | undefined, at: string, state: number): string =>
    `(gen_random_uuid(), '${student}', '${COURSE}', 'completion', 'r1', '2010-11-${at}', '{"state": ${state}}')`;
  await db.query(`INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, timestamp, metadata) VALUES
    ${completion(STUDENT, '07 02:30:30', 0)}, ${completion(STUDENT, '07 02:45', 1)},
    ${completion(OTHER, '05 12:00', 0)}, ${completion(OTHER, '05 13:00', 1)}`);
  await world.begin(parseDay('2010-11-20') * MS_PER_DAY, ZONE);
  await world.rest();
}, 120_000);
afterAll(() => world.close());

test.each(DAYS)('day %i equals the oracle', async (today) => {
  const settings = { today, source_timezone: 'UTC', institution_timezone: 'America/St_Johns' };
  const oracle = await askOracle(world.source.address, 'public', settings);
  const rows = await world.rows(DAYS);
  const ours = await printed(
    world.analytics.db,
    rows.filter((row) => row[2] === today),
  );
  expect(TABLES_OF_SETS.flatMap((table) => compareRows(table, oracle[table], ours[table]))).toEqual([]);
  expect(oracle.engagement.length).toBeGreaterThan(0);
});
