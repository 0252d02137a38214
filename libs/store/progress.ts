import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { Progress, ProgressStore, StoredProgress } from '#libs/source/contract.ts';
import { sql } from './statements.ts';

export function openProgressStore(db: Queryable): ProgressStore {
  return {
    read: async (stream) => (await db.query<StoredProgress>(sql.progress_read, [stream]))[0],
    beginEpoch: async (stream, origin, reason) => {
      const [row] = await db.query<{ epoch: number }>(sql.epoch_begin, [stream, origin, reason]);
      if (row === undefined) throw new Error(`no epoch was begun for the stream ${stream}`);
      return row.epoch;
    },
  };
}

/**
 * Moves a stream's progress forward, in the batch's own transaction.
 * @throws Error when the stream is in another epoch by now: another process has taken it over
 */
export async function advanceProgress(
  tx: Queryable,
  progress: Progress,
  snapshotCompleted: boolean,
  committedAt: number | null,
): Promise<void> {
  const { stream, epoch, applied } = progress;
  const rows = await tx.query(sql.progress_advance, [stream, epoch, applied, snapshotCompleted, committedAt]);
  if (rows.length === 0) throw new Error(`the stream ${stream} is not in epoch ${epoch} any more`);
}
