import { systemClock } from '#libs/domain/clock.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { setBack } from '#libs/pipeline/rollover.ts';
import { readDays } from '#libs/pipeline/today.ts';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import { findRunning } from '#libs/platform/config/find-source.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { withAnalytics } from '#libs/store/schema/open.ts';

const USAGE = `Shows the day that features speak for, or makes it the present one again after a clock had run ahead.

  npm run today                  the day of the features, and the day by the clock of this machine
  npm run today -- --set-back    sets an earlier day, and has every key derived again for it

Days begin by themselves and never go back by themselves. The database is ANALYTICS_DB_HOST, _PORT, _NAME, _USER and
_PASSWORD if ANALYTICS_DB_HOST is set, else the one of a running "npm start". Roles may go on meanwhile.
`;

const OPTIONS = { 'set-back': { type: 'boolean' } } as const;

async function main({ values }: Typed<typeof OPTIONS>): Promise<number> {
  const config = loadConfig();
  const address = analyticsAddress(config) ?? findRunning(config, 'analytics');
  const log = openLog(config.LOG_LEVEL, { role: 'today' });
  return withAnalytics(address, { connections: 1, name: 'prepadata today', role: 'owner', log }, async (db) => {
    process.stdout.write(`${await answer(db, values['set-back'] === true)}\n`);
    return 0;
  });
}

async function answer(db: Database, wantsSetBack: boolean): Promise<string> {
  const { today, present, zone } = await readDays(db, systemClock);
  const days = `Features speak for ${formatDay(today)}; by the clock of this machine it is ${formatDay(present)} in ${zone}.`;
  if (!wantsSetBack) return days;
  if (!(await setBack(db, present))) return `${days} There is nothing to set back.`;
  return `${days} It is set back: every key is derived again, and /api/ready says how many are to go.`;
}

await runProgram({ name: 'today', usage: USAGE, options: OPTIONS }, main);
