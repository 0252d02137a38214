import { type Admin, type PartitionId, partitionName, type Watermarks } from '#libs/platform/kafka/contract.ts';
import type { PartitionProgress } from '../contract.ts';
import { sleepUnlessStopped } from '../delivery.ts';
import { gapAt, type PartitionState } from './partition-state.ts';

/** A replica that has just become leader may not know yet how far the log may be read, so its end is checked again. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 500;

export async function watermarksOf(
  admin: Admin,
  partitions: readonly PartitionId[],
): Promise<ReadonlyMap<string, Watermarks>> {
  const marks = await admin.watermarks([...new Set(partitions.map(({ topic }) => topic))]);
  return new Map(marks.map((mark) => [partitionName(mark), mark]));
}

/** Checks whether a partition's next record is still there; returns a sentence if it is not. */
export async function findGap(
  admin: Admin,
  id: PartitionId,
  next: bigint,
  scope: AbortSignal,
): Promise<string | undefined> {
  for (let look = 1; ; look += 1) {
    const mark = (await watermarksOf(admin, [id])).get(partitionName(id));
    const gap = mark === undefined ? undefined : gapAt(next, mark);
    if (mark === undefined || next <= mark.high || look === LOOKS) return gap;
    await sleepUnlessStopped(LOOK_AGAIN_MS, scope);
  }
}

/** Durably notes that a partition cannot go on, and holds it. */
export async function noteGap(
  progress: PartitionProgress,
  partitionState: PartitionState,
  said: string,
): Promise<void> {
  await progress.noteGap(partitionState.stream, said);
  partitionState.reading = { kind: 'gap', said: `${said}; a new epoch has to be begun` };
}

/**
 * Restarts a partition at the log's start, if an epoch was begun since its gap was noted.
 * @returns true if it can be read now
 */
export async function tryClosing(
  progress: PartitionProgress,
  partitionState: PartitionState,
  start: bigint,
  origin: string,
): Promise<boolean> {
  const row = await progress.closeGap(partitionState.stream, start, origin);
  if (row === undefined) return false;
  partitionState.restart(row);
  return true;
}
