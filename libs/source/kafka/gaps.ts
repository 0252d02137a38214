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

/** Checks whether a partition's next record, and what was seen after it, is still there; returns a sentence if it is not. */
export async function findGap(
  admin: Admin,
  { id, fetched, reached }: Pick<PartitionState, 'id' | 'fetched' | 'reached'>,
  scope: AbortSignal,
): Promise<string | undefined> {
  for (let look = 1; ; look += 1) {
    const mark = (await watermarksOf(admin, [id])).get(partitionName(id));
    const gap = mark === undefined ? undefined : gapAt(fetched, mark, reached);
    if (mark === undefined || (fetched <= mark.high && reached <= mark.high) || look === LOOKS) return gap;
    await sleepUnlessStopped(LOOK_AGAIN_MS, scope);
  }
}

/**
 * Durably notes that a partition cannot go on.
 * @param next offset of the next record: everything before it is staged, or about to be
 * @returns false if another process has moved it further while this one was suspended: then it is read on from there
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
