import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { formatDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { openSettings } from '#libs/families/settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { IMAGES_SQL, installShape, shapeOf } from '../bench/campus.ts';
import { createAnalyticsDatabase } from '../support/database.ts';
import { runDataset } from './command.ts';

/** With DATASET_KEYS=400,20000 it prints rows per second and memory of sets of these sizes. */
const SIZES = (process.env['DATASET_KEYS'] ?? '').split(',').filter(Boolean).map(Number);
const KEYS_AT_FULL_SCALE = 40_000;
const MOST_MEGABYTES = 700;

test.skipIf(SIZES.length === 0).each(SIZES.length === 0 ? [0] : SIZES)(
  'a set of %i keys, each seventh day of a term',
  async (keys) => {
    const analytics = await createAnalyticsDatabase('dataset_scale');
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-dataset-scale-'));
    try {
      const { db } = analytics;
      const today = Math.floor(Date.now() / MS_PER_DAY);
      await adoptFirstSettings(db, await openSettings(loadConfig({}), db));
      await beginCalendar(db, today);
      await installShape(db, shapeOf(keys / KEYS_AT_FULL_SCALE));
      await db.query(IMAGES_SQL);
      await db.query('ANALYZE');
      const out = path.join(folder, 'scale.parquet');
      const days = `${formatDay(today - 119)}..${formatDay(today)}/7d`;
      const ended = await runDataset(analytics.address, ['--as-of', days, '--out', out]);
      console.log(ended.err.trim().split('\n').at(-1));
      expect(ended.code).toBe(0);
      expect(Number(/at most (\d+) MB/.exec(ended.err)?.[1])).toBeLessThan(MOST_MEGABYTES);
    } finally {
      await analytics.drop();
      rmSync(folder, { recursive: true });
    }
  },
  1_800_000,
);
