import { type Admin, type PartitionId, partitionName, type Watermarks } from '#libs/platform/kafka/contract.ts';
import type { PartitionProgress } from '../contract.ts';
import { sleepUnlessStopped } from '../delivery.ts';
import { gapAt, type PartitionState } from './partition-state.ts';

/** A replica that becomes the leader does not know at once how far the log was read: its end is looked at again. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 500;

export async function watermarksOf(
  admin: Admin,
  partitions: readonly PartitionId[],
): Promise<ReadonlyMap<string, Watermarks>> {
  const marks = await admin.watermarks([...new Set(partitions.map(({ topic }) => topic))]);
  return new Map(marks.map((mark) => [partitionName(mark), mark]));
}

/** Looks whether a partition's next record is still there; a sentence if it is not. */
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

/**
 * Says durably that a partition cannot go on.
 * @param next offset of the next record: what lies before it is staged, or on its way
 * @returns false if another process has moved it on since, while this one slept: it is to be read from there then
 */
export async function noteGap(
  progress: Pick<PartitionProgress, 'noteGap'>,
  partitionState: PartitionState,
  said: string,
  next: bigint,
): Promise<boolean> {
  const { stream, epoch } = partitionState;
  const moved = await progress.noteGap(stream, said, { epoch, applied: next });
  if (moved === undefined) partitionState.reading = { kind: 'gap', said: `${said}; a new epoch has to be begun` };
  else partitionState.restart(moved);
  return moved === undefined;
}

/**
 * Begins a partition anew at the log's start, if an epoch was begun since its gap was noted.
 * @returns true if it is to be read now
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
