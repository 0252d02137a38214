import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSettings } from '#libs/families/settings.ts';
import { readStoredSettings } from '#libs/families/stored-settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('stored_settings');
});
afterAll(() => analytics.drop());

test('the settings that a database was derived with are read back, each of them', async () => {
  const { db } = analytics;
  const given = await openSettings(
    loadConfig({
      SOURCE_TIMEZONE: 'Europe/Paris',
      INSTITUTION_TIMEZONE: 'America/New_York',
      EXCLUDED_STUDENTS: 'aaaaaaaa-0000-4000-8000-000000000001,aaaaaaaa-0000-4000-8000-000000000002',
      SESSION_GAP: '900',
      ENGAGEMENT_WEIGHTS: '0.1,0.2,0.3,0.4',
      ENGAGEMENT_TARGETS: '4,1800,1,7.5',
      ZERO_GRADES: 'graded',
      PASS_MARK: '40.5',
      OUTLIER_THRESHOLD: '2.5',
      ATTENTION_OPEN_POINTS: '4',
      ATTENTION_CLOSE_POINTS: '1',
      ATTENTION_EXPECTED_SHARE: '60',
      ATTENTION_LEAST_CLASS: '5',
      FEATURE_TOPICS: 'off',
    }),
    db,
  );
  await adoptFirstSettings(db, given);
  const { reading, ...read } = await readStoredSettings(db);
  const { reading: givenReading, ...rest } = given;
  expect(read).toEqual(rest);
  expect([reading.sourceZone.name, reading.institutionZone.name, reading.aliases]).toEqual([
    'Europe/Paris',
    'America/New_York',
    givenReading.aliases,
  ]);
  expect(reading.institutionZone.dayOf(Date.UTC(2026, 6, 1, 3))).toBe(
    givenReading.institutionZone.dayOf(Date.UTC(2026, 6, 1, 3)),
  );
});

test('a program with other definitions, and one whose database has other zone data, do not go on', async () => {
  const { db } = analytics;
  const change = (name: string, value: string) =>
    db.query('UPDATE state.settings SET described = described || jsonb_build_object($1::text, $2::text)', [
      name,
      value,
    ]);
  const [before] = await db.query<{ described: Record<string, string> }>('SELECT described FROM state.settings');
  await change('zone data of SOURCE_TIMEZONE', 'another');
  await expect(readStoredSettings(db)).rejects.toThrow('zone data of Europe/Paris');
  await change('feature definitions', 'another');
  await expect(readStoredSettings(db)).rejects.toThrow('other definitions of the features');
  await db.query('UPDATE state.settings SET described = $1', [JSON.stringify(before?.described)]);
  await expect(readStoredSettings(db)).resolves.toBeDefined();
});
