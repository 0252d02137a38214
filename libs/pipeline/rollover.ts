import type { Clock } from '#libs/domain/clock.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import type { Zone } from '#libs/domain/zone.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { advanceToday, beginCalendar, holdCalendar, readToday } from '#libs/store/calendar.ts';
import { type Loop, startLoop } from './loop.ts';
import { Wake } from './wake.ts';

/**
 * Makes it `today` in the database, if it is not yet: alone, while nobody derives, and with everything marked that the
 * new day changes. Days slept through are made up for in one step.
 */
export async function rollOver(db: Database, today: LocalDay): Promise<boolean> {
  return db.transaction(async (tx) => {
    await holdCalendar(tx);
    return advanceToday(tx, today);
  });
}

export interface RolloverOptions {
  readonly db: Database;
  readonly institutionZone: Zone;
  readonly clock: Clock;
  /** Woken when a new day has begun. */
  readonly wake: Wake;
  readonly log: Log;
}

/** Keeps the database's today at the institution's; looks once a second, which costs one read of one row. */
export async function startRollover(options: RolloverOptions): Promise<Loop> {
  const { db, institutionZone, clock, wake, log } = options;
  const now = (): LocalDay => institutionZone.dayOf(clock.now());
  await beginCalendar(db, now());
  let warnedOf: LocalDay | null = null;
  return startLoop({
    name: 'the rollover',
    wake: new Wake(),
    log,
    step: async () => {
      const today = now();
      const known = await readToday(db);
      if (known < today && (await rollOver(db, today))) {
        log.info({ today: formatDay(today) }, 'a new day has begun');
        wake.wake();
      }
      if (known > today && warnedOf !== today) {
        warnedOf = today;
        log.warn(
          `this machine's clock says ${formatDay(today)}, but the features have seen ${formatDay(known)} begin: days do not go back, so no new one begins until the clock has passed that; check the clock and INSTITUTION_TIMEZONE`,
        );
      }
      return 'idle';
    },
  });
}
