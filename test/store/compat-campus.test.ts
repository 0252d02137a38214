import { afterAll, beforeAll, expect, test } from 'vitest';
import { roundRatio } from '#libs/domain/rational.ts';
import { migrate } from '#libs/store/migrate.ts';
import { seedCampus } from '../../services/campus/seed.ts';
import { PATH_PREDICTOR, readAs } from '../contract/readers.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';

/*
 * The views of compat against the same definitions in plain integers, over a derived campus.
 */

let analytics: TestDatabase;
beforeAll(async () => {
  const source = await createSourceDatabase('compat_lms');
  analytics = await createTestDatabase('compat_campus');
  await migrate(analytics.db);
  await seedCampus(source.db, { seed: 'compat', now: Date.now(), students: 60 });
  const pipeline = await startTestPipeline({
    source: source.address,
    analytics: analytics.db,
    settings: testSettings(),
  });
  await untilSettled(source.db, analytics.db);
  await pipeline.stop();
  await source.drop();
});
afterAll(() => analytics.drop());

interface Contract {
  readonly student_id: number;
  readonly course_id: number;
  readonly first_fact: number | null;
  readonly passed: boolean | null;
  readonly forum_posts_30d: number | null;
  readonly time_spent_30d: bigint | null;
  readonly absence_days_last_30: number | null;
  readonly [decimal: string]: unknown;
}
type Row = Readonly<Record<string, unknown>>;

const hundredths = (value: unknown): bigint | null => (value === null ? null : BigInt(String(value).replace('.', '')));
const text = (value: bigint | null): string | null => (value === null ? null : roundRatio(value, 100n, 2));

/** Four times the quantile at (n-1)·quarters/4: an integer. */
function fourTimes(quarters: bigint, values: readonly (bigint | null)[]): bigint | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => (a < b ? -1 : 1));
  if (sorted.length === 0) return null;
  const position = BigInt(sorted.length - 1) * quarters;
  const at = (index: bigint): bigint => sorted[Number(index)] ?? 0n;
  const share = position % 4n;
  const below = position / 4n;
  return share === 0n ? 4n * at(below) : (4n - share) * at(below) + share * at(below + 1n);
}

const median = (values: readonly (bigint | null)[], decimals: number): string | null => {
  const four = fourTimes(2n, values);
  return four === null ? null : roundRatio(four, decimals === 0 ? 4n : 400n, decimals);
};

/** `factor · value / (four / 4)`, `most` at most; null where either is, or the yardstick is 0. */
function ratio(value: bigint | null, four: bigint | null, factor: bigint, most: string): string | null {
  if (value === null || four === null || four === 0n) return null;
  const rounded = roundRatio(4n * factor * value, four, 2);
  return Number(rounded) > Number(most) ? most : rounded;
}

/** Of the student's courses that began earlier the last to begin; with a grade, and the greatest id, of those of one day. */
function previousGrade(key: Contract, keys: readonly Contract[]): bigint | null {
  const { first_fact: began } = key;
  if (began === null) return null;
  const [last] = keys
    .filter((other) => other.student_id === key.student_id && other.first_fact !== null && other.first_fact < began)
    .sort(
      (a, b) =>
        Number(b.first_fact) - Number(a.first_fact) ||
        Number(a['module_grade'] === null) - Number(b['module_grade'] === null) ||
        b.course_id - a.course_id,
    );
  return last === undefined ? null : hundredths(last['module_grade']);
}

const ELSE: Readonly<Record<string, string>> = {
  engagement_score: '50.00',
  success_rate: '50.00',
  punctuality_score: '50.00',
  login_frequency: '0.00',
  forum_participation: '50.00',
  time_spent_ratio: '0.00',
  absence_days_last_30: '0',
  assignment_completion_rate: '50.00',
  previous_module_grade: '50.00',
};

function expectedOf(key: Contract, keys: readonly Contract[]): Row {
  const course = keys.filter((other) => other.course_id === key.course_id);
  const posts = (of: Contract) => (of.forum_posts_30d === null ? null : BigInt(of.forum_posts_30d));
  const fourPosts = fourTimes(3n, course.map(posts));
  const fourTime = fourTimes(
    2n,
    course.map((of) => of.time_spent_30d),
  );
  const unfilled = (of: Contract): Readonly<Record<string, string | null>> => ({
    ...Object.fromEntries(
      ['engagement_score', 'success_rate', 'punctuality_score', 'login_frequency', 'assignment_completion_rate'].map(
        (name) => [name, text(hundredths(of[name]))],
      ),
    ),
    forum_participation: ratio(posts(of), fourPosts, 100n, '100.00'),
    time_spent_ratio: ratio(of.time_spent_30d, fourTime, 1n, '9.99'),
    absence_days_last_30: of.absence_days_last_30 === null ? null : String(of.absence_days_last_30),
    previous_module_grade: text(previousGrade(of, keys)),
  });
  const [mine, all] = [unfilled(key), course.map(unfilled)];
  const imputed = Object.keys(ELSE).filter((name) => mine[name] === null);
  const filled = Object.entries(ELSE).map(([name, otherwise]) => {
    const values = all.map((row) => hundredths(row[name] ?? null));
    return [name, mine[name] ?? median(values, name === 'absence_days_last_30' ? 0 : 2) ?? otherwise];
  });
  const { student_id, course_id, passed } = key;
  return { student_id, course_id, module_id: course_id, ...Object.fromEntries(filled), passed, imputed };
}

test('student_metrics', async () => {
  const { db } = analytics;
  const keys = await db.query<Contract>(
    `SELECT m.*, c.first_fact FROM public.student_metrics AS m JOIN state.course AS c USING (course_id)
     ORDER BY m.student_id, m.course_id`,
  );
  const rows = await db.query<Row>('SELECT * FROM compat.student_metrics ORDER BY student_id, course_id');
  expect(keys.length).toBeGreaterThan(100);
  expect(rows.map((row) => ({ ...row, absence_days_last_30: String(row['absence_days_last_30']) }))).toEqual(
    keys.map((key) => expectedOf(key, keys)),
  );
  // There was something to see: both what is known and what is not, of what is made here.
  for (const name of ['forum_participation', 'time_spent_ratio', 'punctuality_score']) {
    expect(new Set(rows.map((row) => row[name])).size).toBeGreaterThan(5);
  }
});

test('a row of temporal_features is the last one that the key has in the contract table', async () => {
  const rows = await analytics.db.query<Row>(
    `SELECT l.*, last.feature_date AS last_date, last.engagement_ma7 AS last_ma7, last.engagement_ma30 AS last_ma30
     FROM compat.temporal_features AS l
     LEFT JOIN LATERAL (
       SELECT feature_date, engagement_ma7, engagement_ma30 FROM public.temporal_features AS t
       WHERE t.student_id = l.student_id AND t.course_id = l.course_id ORDER BY feature_date DESC LIMIT 1
     ) AS last ON true`,
  );
  expect(rows.length).toBeGreaterThan(50);
  for (const row of rows) {
    expect(row['feature_date']).toBe(row['last_date']);
    const imputed = ['engagement_ma7', 'engagement_ma30'].filter(
      (name) => row[name.replace('engagement', 'last')] === null,
    );
    expect(row['imputed']).toEqual(imputed);
    if (imputed.length === 0) {
      expect([row['engagement_ma7'], row['engagement_ma30']]).toEqual([row['last_ma7'], row['last_ma30']]);
    }
  }
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
  expect(aggregates.map((node) => node['Actual Loops'])).toEqual([1, 1, 1]);
});
