import { messageOf } from '#libs/domain/errors.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { finishErasure, removeRows, unfinishedErasures } from '#libs/store/erasure/erasure.ts';
import type { RecordSigner } from '#libs/store/erasure/record.ts';

/** Carries out as much of an erasure as is possible now; to be repeated until it is finished. @returns whether it is */
export async function carryOut(db: Database, erasureId: string, signer: RecordSigner): Promise<boolean> {
  await removeRows(db, erasureId);
  return finishErasure(db, erasureId, signer);
}

export interface ErasuresOptions {
  readonly db: Database;
  /** Called when there is something to sign. */
  readonly signer: () => RecordSigner;
  readonly log: Log;
  /** How often to look for erasures that were requested or are still waiting. Milliseconds. */
  readonly pollMs?: number;
}

/** Carries out the requested erasures; any number of processes may run this. One that fails does not hold up the others. */
export function startErasures({ db, signer, log, pollMs = 1_000 }: ErasuresOptions): Loop {
  return startLoop({
    name: 'the erasure of students',
    wake: new WorkSignal(),
    log,
    pollMs,
    step: async () => {
      const failures: unknown[] = [];
      for (const erasureId of await unfinishedErasures(db)) {
        try {
          if (await carryOut(db, erasureId, signer())) log.info({ erasureId }, 'an erasure is finished');
        } catch (error) {
          if (isDatabaseFault(error)) throw error;
          log.error({ err: error, erasureId }, `an erasure cannot be carried out: ${messageOf(error)}`);
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
      return 'idle';
    },
  });
}
