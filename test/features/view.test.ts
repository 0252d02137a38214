import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { FEATURE_SET } from '#libs/features/index.ts';

const VIEWS = path.resolve(import.meta.dirname, '../../schemas/views');
const FILE = path.join(VIEWS, readdirSync(VIEWS).find((name) => /^\d\d_student_metrics\.sql$/.test(name)) ?? '');
const TABLES = { engagement_features: 'e', performance_features: 'p', anomaly_features: 'a' } as const;

/** Appends every column that is declared but not in the view yet: at the end it can be added in place. */
function withAllColumns(view: string): string {
  const columns = Object.entries(TABLES).flatMap(([table, alias]) =>
    Object.keys(FEATURE_SET[table as keyof typeof TABLES]).map((name) => `  ${alias}.${name}`),
  );
  const missing = columns.filter((column) => !new RegExp(`^${column},?$`, 'm').test(view));
  return view.replace('\nFROM (', `${missing.map((column) => `,\n${column}`).join('')}\nFROM (`);
}

test('the view student_metrics has every column; npx vitest run test/features -u adds what is missing', async () => {
  await expect(withAllColumns(readFileSync(FILE, 'utf8'))).toMatchFileSnapshot(FILE);
});
