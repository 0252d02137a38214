import { expect, test } from 'vitest';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { createAnalyticsDatabase, createSourceDatabase } from '../support/database.ts';
import { startTestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';
import { IMAGES_SQL, installShape, SOURCE_SQL, shapeOf } from './campus.ts';
import { expectFigures } from './figures.ts';
import { printResult } from './report.ts';
import { LETTERS, runSuite } from './suite.ts';

/** The smallest scale at which every kind of row occurs. */
const TINY = 1 / 500;

test('every benchmark runs and reports its ratio beside its aim', async () => {
  const results = await runSuite({ letters: [], scale: TINY });
  expect(results.map((result) => result.letter)).toEqual(LETTERS);
  for (const result of results) {
    const text = printResult(result);
    expect(result.verdicts.length, text).toBeGreaterThan(0);
    for (const { got, aim, against } of result.verdicts) {
      expect(got, text).toBeGreaterThanOrEqual(0);
      expect(aim, text).toBeGreaterThanOrEqual(0);
      expect(against, text).not.toBe('');
    }
    expectFigures(result, text);
  }
}, 600_000);

test('images that are made in SQL are those that staging makes of the same rows', async () => {
  const source = await createSourceDatabase('bench_source');
  const [staged, made] = [await createAnalyticsDatabase('bench_staged'), await createAnalyticsDatabase('bench_made')];
  try {
    await installShape(source.db, shapeOf(TINY));
    await source.db.query(SOURCE_SQL);
    const pipeline = await startTestPipeline({
      source: source.address,
      analytics: staged.db,
      settings: testSettings(),
    });
    await untilSettled(source.db, staged.db);
    await pipeline.stop();
    await installShape(made.db, shapeOf(TINY));
    await made.db.query(IMAGES_SQL);
    for (const table of SOURCE_TABLES) {
      const wanted = await readImages(staged.db, table);
      expect(wanted.length, table).toBeGreaterThan(0);
      expect(await readImages(made.db, table), table).toEqual(wanted);
    }
  } finally {
    await Promise.all([source, staged, made].map((database) => database.drop()));
  }
});

/** With the source's ids in place of our integers, which depend on the order of arrival. */
async function readImages(db: Database, table: string): Promise<unknown[]> {
  const rows = await db.query<{ image: unknown }>(
    `SELECT to_jsonb(i) || jsonb_build_object(
       'student_id', (SELECT source_id FROM student WHERE student_id = (to_jsonb(i) ->> 'student_id')::integer),
       'course_id', (SELECT source_id FROM course WHERE course_id = (to_jsonb(i) ->> 'course_id')::integer)) AS image
     FROM state.image_${table} AS i ORDER BY id`,
  );
  return rows.map((row) => row.image);
}
