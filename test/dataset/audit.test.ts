import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetRow } from '#libs/dataset/columns.ts';
import { FLAG_NAMES } from '#libs/domain/flags.ts';
import { formatDay, type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { askOracle, compareRows } from '../support/oracle.ts';
import { byName, DatasetWorld, named, printed, TABLES_OF_SETS } from './world.ts';

/*
 * Compares a set's rows of a day with the oracle of that day, with temporal_features, and with a source from which
 * everything dated later was deleted. For the last, LEAK_DRAWS sets how many rows are drawn.
 */

const NOW = Date.UTC(2026, 4, 20, 14, 30);
const TODAY: LocalDay = Math.floor(NOW / MS_PER_DAY);
const DRAWS = Number(process.env['LEAK_DRAWS'] ?? 300);
/** The campus has about three keys per student. */
const STUDENTS = DRAWS > 1_000 ? 300 : 30;
const DEADLINE_MS = 600_000;
/** The institution's time zone is two hours ahead of the source's: days are not those of the rows' own clock. */
const ZONE = { SOURCE_TIMEZONE: 'UTC', INSTITUTION_TIMEZONE: 'Europe/Paris' };

let world: DatasetWorld;
beforeAll(async () => {
  world = await DatasetWorld.open('dataset_audit');
  await seedCampus(world.source.db, { seed: 'audit', now: NOW, students: STUDENTS });
  await world.begin(NOW, ZONE, DEADLINE_MS);
}, DEADLINE_MS);
afterAll(() => world.close());

/** Courses of the previous term, which have stopped; the first weeks; the holidays; yesterday. */
const DAYS = [TODAY - 120, TODAY - 66, TODAY - 30, TODAY - 1];

test.each(DAYS.map((day) => [formatDay(day), day] as const))(
  'all columns of %s equal the oracle of that day',
  async (_, today) => {
    const ours = await printed(world.analytics.db, await world.rows([today]));
    const settings = { today, source_timezone: 'UTC', institution_timezone: 'Europe/Paris' };
    const oracle = await askOracle(world.source.address, 'public', settings);
    expect(TABLES_OF_SETS.flatMap((table) => compareRows(table, oracle[table], ours[table])).slice(0, 10)).toEqual([]);
    expect(ours.anomaly.length).toBe(oracle.anomaly.length);
  },
  DEADLINE_MS,
);

test(
  'rows equal temporal_features of the day that they speak for',
  async () => {
    const days = Array.from({ length: 12 }, (_, n) => TODAY - 7 * n).toReversed();
    const rows = await world.rows(days);
    const temporal = await world.analytics.db.query<Record<string, unknown>>(
      `SELECT course_id, student_id, feature_date, engagement_ma7::text, engagement_ma30::text, engagement_trend::text,
       grade_ma7::text, grade_ma30::text, activity_pattern, anomaly_flags
     FROM temporal_features WHERE feature_date = ANY ($1::date[])`,
      [days.map(formatDay)],
    );
    const known = new Map(
      temporal.map((row) => [`${row['course_id']} ${row['student_id']} ${row['feature_date']}`, row]),
    );
    let compared = 0;
    for (const each of rows) {
      const row = named(each);
      const day = formatDay(Number(row['as_of_date']));
      const said = known.get(`${row['course_id']} ${row['student_id']} ${day}`);
      if (said === undefined) continue;
      compared += 1;
      const { course_id, student_id, feature_date, anomaly_flags, ...columns } = said;
      expect({ day, ...Object.fromEntries(Object.keys(columns).map((name) => [name, row[name]])) }).toEqual({
        day,
        ...columns,
      });
      expect(anomaly_flags).toEqual(FLAG_NAMES.filter((name) => row[name] !== null).sort());
    }
    expect(compared).toBeGreaterThan(0.8 * rows.length);
  },
  DEADLINE_MS,
);

test(
  `of ${DRAWS} rows none moves when all that is dated later is deleted from the source`,
  async () => {
    const perDay = (await world.rows([TODAY])).length;
    const count = Math.min(Math.ceil(DRAWS / perDay) + 1, 60);
    // Days spread between the beginnings and today, the same ones every time.
    const days = [...new Set(Array.from({ length: count }, (_, n) => TODAY - 2 - ((n * 47) % 90)))].sort(
      (a, b) => a - b,
    );
    const before = byName(await world.rows(days));
    let draws = 0;
    const leaks: { day: string; before: DatasetRow | undefined; after: DatasetRow | undefined }[] = [];
    for (const day of days.toReversed()) {
      await deleteAfter(day);
      const after = byName(await world.rows([day]));
      const expected = [...before].filter(([, row]) => row[2] === day).map(([name]) => name);
      for (const name of new Set([...expected, ...after.keys()])) {
        draws += 1;
        const [was, is] = [before.get(name), after.get(name)];
        if (JSON.stringify(was) !== JSON.stringify(is)) leaks.push({ day: formatDay(day), before: was, after: is });
      }
    }
    console.log(`${draws} draws on ${days.length} days: ${leaks.length} leaks`);
    expect(leaks.slice(0, 3)).toEqual([]);
    expect(draws).toBeGreaterThanOrEqual(DRAWS);
  },
  3 * DEADLINE_MS,
);

/** By the institution's days. */
async function deleteAfter(day: LocalDay): Promise<void> {
  const isLater = (column: string): string =>
    `(${column} AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Paris')::date > '${formatDay(day)}'::date`;
  await world.source.db.query(`DELETE FROM activity_logs WHERE ${isLater('timestamp')}`);
  await world.source.db.query(`DELETE FROM grades WHERE ${isLater('timestamp')}`);
  await world.source.db.query(`DELETE FROM enrollments WHERE ${isLater('enrolled_at')}`);
  await world.settle(DEADLINE_MS);
}
