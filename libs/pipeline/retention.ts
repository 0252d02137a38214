import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database, SqlStatement } from '#libs/platform/postgres/database.ts';
import { sweepErased } from '#libs/store/erasure/erasure.ts';
import { imageSql } from '#libs/store/images/statements.ts';
import { runSql } from '#libs/store/runs/statements.ts';

/** How many days things are kept; null: for ever. */
export interface Retention {
  readonly rejectedDays: number | null;
  readonly runsDays: number | null;
}

export const retentionOf = (config: SettingValues): Retention => ({
  rejectedDays: config.RETAIN_REJECTED_DAYS,
  runsDays: config.RETAIN_RUNS_DAYS,
});

/** Removes what was kept long enough. @returns how many of each kind */
export async function retain(db: Database, { rejectedDays, runsDays }: Retention): Promise<Record<string, number>> {
  const removed = async (statement: SqlStatement, days: number | null): Promise<number> =>
    days === null ? 0 : ((await db.query<{ rows: number }>(statement, [days]))[0]?.rows ?? 0);
  return {
    rejected: await removed(imageSql.rejected_retain, rejectedDays),
    runs: await removed(runSql.runs_retain, runsDays),
    ofErased: await sweepErased(db),
  };
}

const EVERY_MS = 3_600_000;

export interface RetentionOptions {
  readonly db: Database;
  readonly retention: Retention;
  readonly log: Log;
}

/** Removes what was kept long enough, every hour; any number of processes may run this. */
export function startRetention({ db, retention, log }: RetentionOptions): Loop {
  return startLoop({
    name: 'the removal of what was kept long enough',
    wake: new WorkSignal(),
    log,
    pollMs: EVERY_MS,
    step: async () => {
      const removed = await retain(db, retention);
      if (Object.values(removed).some((count) => count > 0))
        log.info({ removed }, 'what was kept long enough was removed');
      return 'idle';
    },
  });
}
