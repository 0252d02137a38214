import { systemClock } from '#libs/domain/clock.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { liveOn } from './live.ts';
import { createCampusSchema, seedCampus } from './seed.ts';

export interface CampusOptions {
  readonly config: SettingValues;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export interface CampusDatabase {
  /** The latest event, as a sentence. */
  lastSentence(): string;
}

/**
 * Opens the source database, and fills it with a campus at the first start.
 * @param onProgress called with the share written, 0 to 1, and the rows so far
 */
export async function openSampleCampus(
  address: DatabaseAddress,
  options: CampusOptions,
  onProgress: (progress: { share: number; rows: number }) => void,
): Promise<Database> {
  const { config, lifecycle } = options;
  const log = moduleLog(options.log, 'campus');
  const source = openDatabase(address, {
    connections: 3,
    name: 'sample campus',
    onIdleError: (error) => log.warn({ err: error }, 'an idle connection to the source database ended'),
  });
  lifecycle.add('the campus connections', () => source.close());
  await createCampusSchema(source);
  await seedCampus(source, {
    seed: String(config.CAMPUS_SEED),
    students: config.CAMPUS_STUDENTS,
    now: systemClock.now(),
    timeZone: config.SOURCE_TIMEZONE.name,
    onProgress,
  });
  return source;
}

/** Lets the campus live on, re-syncs and all. */
export function startSampleCampus(source: Database, options: CampusOptions): CampusDatabase {
  const { config, lifecycle } = options;
  const log = moduleLog(options.log, 'campus');
  let sentence = 'the campus wakes up';
  const living = liveOn(source, {
    seed: String(config.CAMPUS_SEED),
    timeZone: config.SOURCE_TIMEZONE.name,
    paceMs: config.CAMPUS_PACE_MS,
    onEvent: (event) => {
      sentence = event.sentence;
    },
    onTrouble: ({ error, retryInMs }) => log.warn({ err: error, retryInMs }, 'the campus cannot reach its database'),
  });
  lifecycle.add('the campus', () => living.stop());
  return { lastSentence: () => sentence };
}
