import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FEATURE_SET } from '#libs/features/index.ts';
import { CATALOGUE, catalogueAnswer } from '#libs/serve/catalogue/index.ts';
import { catalogueText } from '#libs/serve/catalogue/text.ts';
import { studentMetricsAnswer } from '#libs/serve/student-metrics.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { INEXACT } from '../support/oracle.ts';

/** The key and day of a row, and how it was made: not features. */
const KEYS_AND_STAMPS = [
  'student_id',
  'course_id',
  'feature_date',
  'as_of_date',
  'source_position',
  'source_committed_at',
  'computed_at',
  'row_version',
  'feature_version',
];

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

let analytics: TestDatabase;
let columns: Column[];
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('catalogue');
  const found = await analytics.db.query<Column>(
    `SELECT c.relname::text AS table, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type
     FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm') AND c.relname LIKE '%\\_features'
     ORDER BY c.relname, a.attnum`,
  );
  columns = found.filter(({ name }) => !KEYS_AND_STAMPS.includes(name));
});
afterAll(() => analytics.drop());

const fullName = ({ table, name }: { table: string; name: string }): string => `${table}.${name}`;

describe('the catalogue and the feature tables', () => {
  test('every column of a feature table is in the catalogue', () => {
    const described = new Set(CATALOGUE.map(fullName));
    const missing = columns
      .filter((column) => !described.has(fullName(column)))
      .map((column) => `${fullName(column)} is in the schema and not in the catalogue: declare it in libs/features`);
    expect(missing).toEqual([]);
  });

  test('everything in the catalogue is a column of a feature table', () => {
    const stored = new Set(columns.map(fullName));
    const gone = CATALOGUE.filter((entry) => !stored.has(fullName(entry))).map(
      (entry) => `${fullName(entry)} is in the catalogue and not in the schema: add the column, or take it out`,
    );
    expect(gone).toEqual([]);
  });

  test('a unit names as many decimals as its column has', () => {
    const wrong = columns.flatMap((column) => {
      const unit = CATALOGUE.find((entry) => fullName(entry) === fullName(column))?.unit ?? '';
      if (/^json/.test(column.type)) return [];
      const [stored] = /(?<=^numeric\(\d+,)\d+/.exec(column.type) ?? ['no'];
      const [said] = /\d+(?= decimals)/.exec(unit) ?? ['no'];
      return stored === said ? [] : [`${fullName(column)} is ${column.type}, its unit ${unit}`];
    });
    expect(wrong).toEqual([]);
  });

  test('inexact are those that the oracle is compared with so', () => {
    // In a flag only the numbers inside may differ.
    const inexact = CATALOGUE.filter((entry) => entry.exactness !== 'exact' && entry.unit !== 'flag');
    expect([...new Set(inexact.map((entry) => entry.name))].sort()).toEqual([...INEXACT].sort());
  });
});

test('each entry is one sentence and whole', () => {
  const served = CATALOGUE.map((entry) => ({ ...entry, version: 1 }));
  expect(catalogueAnswer.parse(served)).toEqual(served);
  expect(new Set(CATALOGUE.map(fullName)).size).toBe(CATALOGUE.length);
  for (const entry of CATALOGUE) {
    expect(entry.formula, fullName(entry)).toMatch(/^\S.*[^.]\.$/);
    expect(entry.formula, fullName(entry)).not.toMatch(/\. [A-Z]/);
    expect(entry.null_when ?? 'never', fullName(entry)).toMatch(/^[^.]+[^. ]$/);
    expect(entry.source_rows, fullName(entry)).toMatch(/^(enrollments|grades|activity_logs|all that)\b/);
  }
});

test('the description of the API says what the catalogue says', () => {
  const { shape } = studentMetricsAnswer.element;
  for (const table of ['engagement_features', 'performance_features', 'anomaly_features'] as const) {
    for (const [name, { formula }] of Object.entries(FEATURE_SET[table])) {
      expect(shape[name as keyof typeof shape].description, name).toContain(formula);
    }
  }
});

test('for people: every column by its table, no line wider than asked, nothing cut', () => {
  const text = catalogueText(CATALOGUE, 90);
  for (const table of Object.keys(FEATURE_SET)) expect(text).toMatch(new RegExp(`^${table}: \\d+ columns`, 'm'));
  for (const { name } of CATALOGUE) expect(text).toMatch(new RegExp(`^${name} +\\S`, 'm'));
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(90);
  const words = text.replaceAll(/\s+/g, ' ');
  for (const { formula, source_rows } of CATALOGUE) {
    expect(words).toContain(formula);
    expect(words).toContain(`From ${source_rows}.`);
  }
});
