import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LocalDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { loadPresentation } from '../../services/sandbox/campus/oulad/load.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { askOracle, compareFeatures, readCourseIds, readFeatures } from '../support/oracle.ts';
import { startTestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';

const OULAD_DIR = process.env['OULAD_DIR'];

/**
 * The data set has no times of day. This gives each row one: the first eight bytes of Postgres' hash of its id, modulo the
 * milliseconds of a day. Any fixed spread would do; what matters is that sessions, gaps, hours and orders come into play.
 */
const spread = (table: string): string =>
  `UPDATE ${table} SET timestamp = timestamp + ((hashtextextended(id::text, 0) & 9223372036854775807) % 86400000) * interval '1 millisecond'`;

let source: TestDatabase;
let analytics: TestDatabase;
beforeEach(async () => {
  source = await createSourceDatabase('oulad_source');
  analytics = await createAnalyticsDatabase('oulad_analytics');
});
afterEach(async () => {
  await source.drop();
  await analytics.drop();
});

/** Early in the course, near its end, and when it has been over for long. */
const PRESENTATIONS = [
  { presentation: 'AAA-2013J', students: 383, views: 180_982, days: ['2013-12-01', '2014-05-30', '2014-09-01'] },
  { presentation: 'BBB-2013B', students: 1_767, views: 403_266, days: ['2013-03-20', '2013-08-15', '2014-01-01'] },
];
/** Four hundred thousand rows on a machine that does something else as well. */
const SETTLED_MS = 600_000;
const TIMES = [
  { times: 'as they are', hasTimes: false },
  { times: 'with a time of day', hasTimes: true },
];
/** All four take minutes. Times as they are are also those of test/e2e/start, with students of the same course. */
const isAll = process.env['OULAD_ALL'] !== undefined;
const TRIED = PRESENTATIONS.flatMap((course) => TIMES.map((times) => ({ ...course, ...times }))).filter(
  ({ presentation, hasTimes }) => isAll || (presentation === 'AAA-2013J' && hasTimes),
);

describe.skipIf(OULAD_DIR === undefined)('a real university course', () => {
  test.each(TRIED)(
    '$presentation, rows $times: every feature of every student equals the oracle on three days',
    async ({ presentation, students, views, days, hasTimes }) => {
      const loaded = await loadPresentation(source.db, { directory: OULAD_DIR ?? '', presentation, shiftTo: 'none' });
      expect(loaded).toMatchObject({ students, views });
      if (hasTimes) for (const table of ['activity_logs', 'grades']) await source.db.query(spread(table));

      const settings = testSettings();
      let today: LocalDay = parseDay(days[0] ?? '');
      const clock = { now: () => today * MS_PER_DAY + 43_200_000 };
      const pipeline = await startTestPipeline({
        source: source.address,
        analytics: analytics.db,
        settings,
        clock,
        maxBatch: 5_000,
      });
      for (const day of days) {
        today = parseDay(day);
        await untilToday(day);
        await untilSettled(source.db, analytics.db, SETTLED_MS);
        const oracle = await askOracle(source.address, 'public', { today }, await readCourseIds(analytics.db));
        // Who registers later and does nothing before is not there yet.
        expect(oracle.engagement.length).toBeGreaterThan(0.99 * students);
        expect(compareFeatures(oracle, await readFeatures(analytics.address)).slice(0, 10)).toEqual([]);
      }
      await pipeline.stop();
      expect(pipeline.failure).toBeUndefined();
    },
    900_000,
  );
});

/** The rollover looks once a second. */
async function untilToday(day: string): Promise<void> {
  for (;;) {
    const [row] = await analytics.db.query<{ today: string }>('SELECT today FROM state.calendar');
    if (row?.today === day) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
