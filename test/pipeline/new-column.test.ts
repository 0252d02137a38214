import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { type FeatureSettings, openSettings } from '#libs/families/settings.ts';
import { ENGAGEMENT } from '#libs/features/engagement.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import { adoptFirstSettings, adoptSettings, requireSettings } from '#libs/pipeline/adopt.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import { openFeatureTable } from '#libs/store/features/feature-table.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { FIRST_TODAY, writtenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';

/*
 * A database filled by the previous version, to which a column is added as .github/CONTRIBUTING.md says: week_similarity, of
 * which the previous version has neither column nor declaration.
 */

const { week_similarity: _, ...ENGAGEMENT_BEFORE } = ENGAGEMENT;
const FEATURES_BEFORE = { ...FEATURE_SET, engagement_features: ENGAGEMENT_BEFORE };
const ENGAGEMENT_FAMILY_BEFORE = { ...engagementFamily, table: openFeatureTable('engagement', ENGAGEMENT_BEFORE) };

const SCHEMAS = path.resolve(import.meta.dirname, '../../schemas');
const VIEW = 'views/05_student_metrics.sql';
/** Folded rows are kept for every key, however few. */
const KEEPS_ROWS = { isWorthKeeping: () => true };

let folder: string;
let world: World;
/** The previous version's own connections: a prepared statement has one text. */
let old: Database;
let model: SourceModel;
const schemas = (version: string): URL => pathToFileURL(`${path.join(folder, version)}/`);

function edit(version: string, file: string, change: (text: string) => string): void {
  const target = path.join(folder, version, file);
  const text = readFileSync(target, 'utf8');
  expect(change(text), `${file} has changed`).not.toBe(text);
  writeFileSync(target, change(text));
}

function writeVersions(): void {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-new-column-'));
  cpSync(SCHEMAS, path.join(folder, 'before'), { recursive: true });
  for (const file of ['sql/0003_features.sql', 'sql/0011_student_metrics_by_key.sql', 'sql/0014_anomaly.sql', VIEW])
    edit('before', file, (text) => text.replaceAll(/^.*\bweek_similarity\b.*\n/gm, ''));
  cpSync(path.join(folder, 'before'), path.join(folder, 'after'), { recursive: true });
  writeFileSync(
    path.join(folder, 'after/sql/9001_week_similarity.sql'),
    'ALTER TABLE engagement_features ADD COLUMN week_similarity numeric(8, 6);\n',
  );
  edit('after', VIEW, (text) => text.replace(/\nFROM \(/, ',\n  e.week_similarity\nFROM ('));
}

async function deriveBefore(settings: FeatureSettings): Promise<void> {
  for (let done = 1; done > 0; ) {
    const engagement = await deriveBatch(old, ENGAGEMENT_FAMILY_BEFORE, settings, 50, KEEPS_ROWS);
    const performance = await deriveBatch(old, performanceFamily, settings, 50, KEEPS_ROWS);
    const anomaly = await deriveBatch(old, anomalyFamily, settings, 50, KEEPS_ROWS);
    const { courses } = await deriveCourses(old, settings, 10);
    done = engagement.claimed.length + performance.claimed.length + anomaly.claimed.length + courses;
  }
}

const versions = (): Promise<{ version: number; rows: number }[]> =>
  world.db.query(
    `SELECT feature_version AS version, count(*)::integer AS rows
     FROM (SELECT feature_version FROM engagement_features UNION ALL SELECT feature_version FROM performance_features
       UNION ALL SELECT feature_version FROM anomaly_features) AS f GROUP BY 1 ORDER BY 1`,
  );

beforeAll(async () => {
  writeVersions();
  world = await World.create('new_column', schemas('before'));
  old = openDatabase(world.address, { name: 'before', onIdleError: () => {} });
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
  const rows = fc.sample(writtenRow, { numRuns: 600, seed: 14 });
  for (const [slot, written] of rows.entries()) model.apply({ kind: 'write', slot, written, toast: false });
});
afterAll(async () => {
  await old.close();
  await world.drop();
  rmSync(folder, { recursive: true });
});

test('a column that is added is filled in every row, known ones too, and equal to the oracle; no hand raises a version', async () => {
  const { db } = world;
  const before = await openSettings(loadConfig({}), db, undefined, FEATURES_BEFORE);
  await adoptFirstSettings(db, before);
  await stageBatch(db, { changes: model.changes }, before.reading, { fingerprint: before.fingerprint });
  await deriveBefore(before);
  const [known] = await versions();
  expect(known).toMatchObject({ version: 1 });
  expect(known?.rows).toBeGreaterThan(15);
  // The previous version may have read its folded rows differently.
  const kept = await db.query(
    `UPDATE state.key SET folded = replace(folded, '"value":"', '"value":"1') WHERE folded IS NOT NULL RETURNING folded`,
  );
  expect(kept.length).toBeGreaterThan(5);

  expect(await migrate(db, schemas('after'))).toEqual(['9001_week_similarity.sql', VIEW]);
  const after = await openSettings(loadConfig({}), db);
  await expect(requireSettings(db, after)).rejects.toThrow(/feature definitions/);
  expect(await adoptSettings(db, after)).toEqual(['feature definitions']);
  await expect(deriveBefore(before)).rejects.toThrow(/other settings/);
  await deriveAll(db, after, 50, KEEPS_ROWS);

  expect(await world.differences(model)).toEqual([]);
  expect(await versions()).toEqual([{ version: 2, rows: known?.rows }]);
  const [filled] = await db.query<{ rows: number }>(
    'SELECT count(week_similarity)::integer AS rows FROM student_metrics',
  );
  expect(filled?.rows).toBeGreaterThan(3);
});

test('the definitions of before, adopted again, are a later version: versions only grow', async () => {
  const { db } = world;
  const [before, after] = [
    await openSettings(loadConfig({}), db, undefined, FEATURES_BEFORE),
    await openSettings(loadConfig({}), db),
  ];
  await adoptSettings(db, before);
  await deriveBefore(before);
  expect(await versions()).toMatchObject([{ version: 3 }]);
  await adoptSettings(db, await openSettings(loadConfig({ PASS_MARK: '60' }), db, undefined, FEATURES_BEFORE));
  expect(await db.query('SELECT feature_version FROM state.settings')).toEqual([{ feature_version: 3 }]);
  await adoptSettings(db, after);
  await deriveAll(db, after);
  expect(await versions()).toMatchObject([{ version: 4 }]);
  expect(await world.differences(model)).toEqual([]);
  // As left by a program that kept no hash of its definitions.
  await db.query(`UPDATE state.settings SET features = NULL, fingerprint = 'of before'`);
  await adoptSettings(db, after);
  expect(await db.query('SELECT feature_version FROM state.settings')).toEqual([{ feature_version: 5 }]);
});
