import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDay } from '#libs/domain/local-date.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { PATH_PREDICTOR, readAs } from '../contract/readers.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { askOracle, compareFeatures, type PrintedFeatures, readCourseIds, readFeatures } from '../support/oracle.ts';
import { startTestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';

/* The views of compat over a derived campus: their content against the oracle, and how they are created. */

let analytics: TestDatabase;
let oracle: PrintedFeatures;
beforeAll(async () => {
  const source = await createSourceDatabase('compat_lms');
  analytics = await createAnalyticsDatabase('compat_campus');
  await seedCampus(source.db, { seed: 'compat', now: Date.now(), students: 60 });
  const pipeline = await startTestPipeline({
    source: source.address,
    analytics: analytics.db,
    settings: testSettings(),
  });
  await untilSettled(source.db, analytics.db);
  await pipeline.stop();
  const [calendar] = await analytics.db.query<{ today: string }>('SELECT today FROM state.calendar');
  const today = parseDay(calendar?.today ?? '');
  oracle = await askOracle(source.address, 'public', { today }, await readCourseIds(analytics.db));
  await source.drop();
});
afterAll(() => analytics.drop());

test('both views equal the oracle', async () => {
  expect(compareFeatures(oracle, await readFeatures(analytics.address))).toEqual([]);
});

test('there was something to see: what is known, what is not, and what differs', () => {
  const metrics = oracle.compat_metrics ?? [];
  const temporal = oracle.compat_temporal ?? [];
  expect(metrics.length).toBeGreaterThan(100);
  expect(temporal.length).toBeGreaterThan(50);
  const columns = ['forum_participation', 'time_spent_ratio', 'punctuality_score', 'previous_module_grade'];
  for (const name of columns) {
    expect(new Set(metrics.map((row) => row[name])).size).toBeGreaterThan(5);
    expect(new Set(metrics.map((row) => row['imputed']?.includes(name))).size).toBe(2);
  }
  expect(new Set(metrics.map((row) => row['passed']))).toEqual(new Set(['t', 'f', null]));
  expect(temporal.filter((row) => row['course_ids']?.includes(',')).length).toBeGreaterThan(20);
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}
const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

test('the quantiles of the courses are made in one pass each, and not once a row', async () => {
  const [explained] = await readAs(analytics.db, 'compat', (tx) =>
    tx.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${PATH_PREDICTOR}`),
  );
  const nodes = explained?.['QUERY PLAN'].flatMap(({ Plan }) => nodesOf(Plan)) ?? [];
  const aggregates = nodes.filter((node) => node['Node Type'] === 'Aggregate');
  expect(new Set(aggregates.map((node) => node['Actual Loops']))).toEqual(new Set([1]));
});
