import { hostname } from 'node:os';
import type { Clock } from '#libs/domain/clock.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import type { Zone } from '#libs/domain/zone.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { advanceToday, beginCalendar, holdCalendar, readToday, takeTodayBack } from '#libs/store/keys/calendar.ts';
import { type Starting, untilAnswered } from '#libs/store/schema/open.ts';
import type { Work } from './work.ts';

/**
 * Makes it `today` in the database, if it is not yet, while nobody derives, and marks everything that the new day changes.
 * Missed days are made up for in one step.
 */
export async function rollOver(db: Database, today: LocalDay): Promise<boolean> {
  return db.transaction(async (tx) => {
    await holdCalendar(tx);
    return advanceToday(tx, today);
  });
}

/** Makes it `today` again after a clock had run ahead, also while nobody derives, and marks everything. */
export async function setBack(db: Database, today: LocalDay): Promise<boolean> {
  return db.transaction(async (tx) => {
    await holdCalendar(tx);
    return takeTodayBack(tx, today);
  });
}

export interface RolloverOptions extends Starting {
  readonly db: Database;
  readonly institutionZone: Zone;
  readonly clock: Clock;
  /** Told of marks when a new day has begun. */
  readonly work: Work;
}

/** The command that sets today back; it goes by the clock of the machine it runs on. */
export const SET_BACK_COMMAND = 'npm run today -- --set-back';

/** Clocks of several machines differ a little, which is no reason for a warning at midnight. Milliseconds. */
const CLOCKS_APART_MS = 3_600_000;

/** Keeps the database's today equal to the institution's; checks once a second, which costs one read of one row. */
export async function startRollover(options: RolloverOptions): Promise<Loop> {
  const { db, institutionZone, clock, work, log } = options;
  await untilAnswered(() => beginCalendar(db, institutionZone.dayOf(clock.now())), options);
  let ahead: string | null = null;
  const loop = startLoop({
    name: 'the rollover',
    wake: new WorkSignal(),
    log,
    step: async () => {
      const now = clock.now();
      const today = institutionZone.dayOf(now);
      const known = await readToday(db);
      if (known < today && (await rollOver(db, today))) {
        log.info({ today: formatDay(today) }, 'a new day has begun');
        work.tell({ courses: true, unnamed: FAMILIES });
      }
      const isAhead = known > institutionZone.dayOf(now + CLOCKS_APART_MS);
      const said = isAhead ? describeAhead(today, known) : null;
      if (said !== null && said !== ahead) log.warn(said);
      ahead = said;
      return 'idle';
    },
  });
  return {
    get trouble() {
      return loop.trouble ?? ahead;
    },
    stop: () => loop.stop(),
  };
}

const describeAhead = (today: LocalDay, known: LocalDay): string =>
  `the features speak for ${formatDay(known)}, and the clock of ${hostname()} says ${formatDay(today)}: days do not go back by themselves, so none begins until ${formatDay(known + 1)}. If that clock is wrong, set it right; if another had run ahead, ${SET_BACK_COMMAND} makes it the present day again and derives every key for it`;
