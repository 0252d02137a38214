import { systemClock } from '#libs/domain/clock.ts';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { type FeatureSettings, openSettings } from '#libs/families/settings.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { RejectedSet, rejectionKey } from '#libs/store/images/rejected.ts';
import { imagesOf } from '#libs/store/images/stage.ts';
import { imageSql } from '#libs/store/images/statements.ts';
import { lockAllTables } from '#libs/store/images/table-locks.ts';
import { validateImage } from '#libs/store/images/validate.ts';
import { holdCalendar, lowerToday } from '#libs/store/keys/calendar.ts';
import { markAllCourses } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITY, markAllKeys } from '#libs/store/keys/marks.ts';
import { schemaSql } from '#libs/store/schema/statements.ts';

interface StoredSettings {
  readonly fingerprint: string;
  readonly described: Readonly<Record<string, string>>;
}

const IMAGES_PER_PAGE = 5_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const storedSettings = async (db: Queryable): Promise<StoredSettings | undefined> =>
  (await db.query<StoredSettings>(schemaSql.settings_read))[0];

async function writeSettings(tx: Queryable, settings: FeatureSettings): Promise<void> {
  await tx.query(schemaSql.settings_adopt, [
    settings.fingerprint,
    JSON.stringify(settings.described),
    settings.features,
  ]);
}

/** Runs `work` in a transaction while nobody stages or derives. */
const alone = <T>(db: Database, work: (tx: Queryable) => Promise<T>): Promise<T> =>
  db.transaction(async (tx) => {
    await holdCalendar(tx);
    await lockAllTables(tx);
    return work(tx);
  });

/** @returns the settings that differ from those the database was last written with; none if it is new */
const changedSettings = async (db: Queryable, settings: FeatureSettings): Promise<string[]> =>
  differing(await storedSettings(db), settings);

function differing(stored: StoredSettings | undefined, settings: FeatureSettings): string[] {
  if (stored === undefined || stored.fingerprint === settings.fingerprint) return [];
  const names = new Set([...Object.keys(stored.described), ...Object.keys(settings.described)]);
  return [...names].filter((name) => stored.described[name] !== settings.described[name]);
}

/**
 * Makes these the settings of the database: every image is judged again and every key marked, in one transaction while
 * nobody stages or derives. Does nothing if they already are.
 * @returns the settings that changed
 */
export async function adoptSettings(db: Database, settings: FeatureSettings, clock = systemClock): Promise<string[]> {
  return alone(db, async (tx) => {
    const stored = await storedSettings(tx);
    if (stored?.fingerprint === settings.fingerprint) return [];
    await writeSettings(tx, settings);
    if (stored === undefined) return [];
    const changed = differing(stored, settings);
    // In another zone the current day may be earlier than the one that has begun.
    if (changed.some((name) => name.endsWith('INSTITUTION_TIMEZONE')))
      await lowerToday(tx, settings.reading.institutionZone.dayOf(clock.now()));
    await validateAgain(tx, settings);
    await markAllKeys(tx, MARK_PRIORITY.bulk, null);
    await markAllCourses(tx, true);
    return changed;
  });
}

/** Gives these settings to a database that has none yet; one that has some keeps them. */
export async function adoptFirstSettings(db: Database, settings: FeatureSettings): Promise<void> {
  if ((await storedSettings(db)) !== undefined) return;
  await alone(db, async (tx) => {
    if ((await storedSettings(tx)) === undefined) await writeSettings(tx, settings);
  });
}

/** @throws UnrecoverableError when the database was written with other settings, naming them */
export async function requireSettings(db: Queryable, settings: FeatureSettings): Promise<void> {
  const changed = await changedSettings(db, settings);
  if (changed.length === 0) return;
  throw new UnrecoverableError(
    'settings_differ',
    `the features in this database were made with other settings: ${changed.join(', ')}`,
    'give this process the old ones, or run npm run migrate with the new ones, which derives everything again',
  );
}

async function validateAgain(tx: Queryable, settings: FeatureSettings): Promise<void> {
  for (const table of SOURCE_TABLES) {
    for (let after = FIRST_ID; ; ) {
      const page = await imagesOf(table).page(tx, after, IMAGES_PER_PAGE);
      const rejected = new RejectedSet();
      const readable: string[] = [];
      for (const [id, image] of page) {
        const { reason } = validateImage(table, image.columns, settings.reading);
        if (reason !== null) rejected.put(table, id, image, reason);
        else readable.push(rejectionKey(table, id));
        after = id;
      }
      await tx.query(imageSql.rejected_readable, [readable]);
      await rejected.write(tx);
      if (page.size < IMAGES_PER_PAGE) break;
    }
  }
}

/** The settings of the environment, if they are those of the database; a new database takes them on. */
export async function takeSettings(config: SettingValues, db: Database, log: Log): Promise<FeatureSettings> {
  const settings = await openSettings(config, db, log);
  await adoptFirstSettings(db, settings);
  await requireSettings(db, settings);
  return settings;
}
