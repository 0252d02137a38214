import type { Clock } from '#libs/domain/clock.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { readToday } from '#libs/store/keys/calendar.ts';
import { schemaSql } from '#libs/store/schema/statements.ts';
import { readZone } from '#libs/store/schema/zones.ts';

/** The current day according to the database and according to the clock. */
export interface Days {
  /** The day that features speak for. */
  readonly today: LocalDay;
  /** The day by the clock. */
  readonly present: LocalDay;
  /** The zone of both days: the one the database was last written with. */
  readonly zone: string;
}

/** Clocks that are kept in time differ by less. Milliseconds. */
const CLOCKS_APART_MS = 10 * 60_000;

/**
 * @throws ConfigurationError when nothing has been derived yet, or the database's own clock disagrees, since then there is
 * no telling which is wrong
 */
export async function readDays(db: Database, clock: Clock): Promise<Days> {
  const [settings] = await db.query<{ described: Readonly<Record<string, string>> }>(schemaSql.settings_read);
  const name = settings?.described['INSTITUTION_TIMEZONE'];
  if (name === undefined) {
    throw new ConfigurationError(
      'this database has no features yet',
      'name the analytics database that roles write to',
    );
  }
  const here = clock.now();
  const [there] = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (there !== undefined && Math.abs(there.now.getTime() - here) > CLOCKS_APART_MS) {
    throw new ConfigurationError(
      `the clock of this machine says ${new Date(here).toISOString()}, and that of the analytics database ${there.now.toISOString()}`,
      'set the wrong one right first',
    );
  }
  const { zone } = await readZone(db, { name });
  return { today: await readToday(db), present: zone.dayOf(here), zone: name };
}
