import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { AccessRecord } from './access-record.ts';
import { type ErasedNames, NOBODY_ERASED, readErasedNames } from './erased-names.ts';

export interface UpkeepOptions {
  readonly db: Queryable;
  readonly record: AccessRecord;
  /** Called whenever the set of erased students changes, before existing lines are rewritten. */
  readonly onNames: (names: ErasedNames) => void;
  /** How long lines are kept; null: until enough newer ones have pushed them out. */
  readonly days: number | null;
  readonly now: () => number;
  readonly log: Log;
  /** Milliseconds. */
  readonly pollMs?: number;
}

const FORGET_EVERY_MS = 3_600_000;
/** Looking through the record takes at most this share of the time, even when a whole class is erased one by one. */
const MOST_SHARE = 0.05;

/**
 * Keeps erased students out of the access record, and deletes lines when their time is over. The process that writes
 * the record does this, since another one would lose lines.
 */
export function startAccessUpkeep(options: UpkeepOptions): Loop {
  const { db, record, onNames, days, now, log, pollMs = 2_000 } = options;
  let version = NOBODY_ERASED.version;
  let forgotten = Number.NEGATIVE_INFINITY;
  let restsUntil = Number.NEGATIVE_INFINITY;
  return startLoop({
    name: 'the upkeep of the access record',
    wake: new WorkSignal(),
    log,
    pollMs,
    step: async () => {
      const names = await readErasedNames(db);
      if (names.version !== version) onNames(names);
      if (names.version !== version && performance.now() >= restsUntil) {
        const began = performance.now();
        const lines = await record.hide(names);
        restsUntil = performance.now() + (performance.now() - began) / MOST_SHARE;
        version = names.version;
        if (lines > 0) log.info({ lines }, 'lines of the access record name erased students no more');
      }
      if (days !== null && now() - forgotten >= FORGET_EVERY_MS) {
        const gone = await record.forget(now() - days * MS_PER_DAY);
        forgotten = now();
        if (gone.files + gone.lines > 0) log.info(gone, 'what of the access record was kept long enough was deleted');
      }
      return 'idle';
    },
  });
}
