import type { Family } from '#libs/domain/family.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { type DeriveOptions, deriveBatch } from '#libs/pipeline/derive.ts';
import type { Database } from '#libs/platform/postgres/database.ts';

/**
 * Derives until no mark is left.
 * @param options for all families, or a function of the family
 * @returns how many feature rows changed
 */
export async function deriveAll(
  db: Database,
  settings: FeatureSettings,
  keysPerBatch = 50,
  options: DeriveOptions | ((family: Family) => DeriveOptions) = {},
): Promise<number> {
  const optionsOf = typeof options === 'function' ? options : () => options;
  let changed = 0;
  for (let round = 0; round < 10_000; round += 1) {
    const engagement = await deriveBatch(db, engagementFamily, settings, keysPerBatch, optionsOf('engagement'));
    const performance = await deriveBatch(db, performanceFamily, settings, keysPerBatch, optionsOf('performance'));
    const anomaly = await deriveBatch(db, anomalyFamily, settings, keysPerBatch, optionsOf('anomaly'));
    const courses = await deriveCourses(db, settings, 10);
    changed += engagement.changed + performance.changed + anomaly.changed;
    const busy = engagement.contended || performance.contended || anomaly.contended;
    if (
      engagement.claimed.length + performance.claimed.length + anomaly.claimed.length + courses.courses === 0 &&
      !busy
    )
      return changed;
  }
  throw new Error('the derivers do not come to rest: marks are made as fast as they are taken');
}
