import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Watermarks } from '#libs/platform/kafka/contract.ts';
import type { PartitionProgress } from '../contract.ts';
import type { PartitionState } from './partition-state.ts';

/**
 * Durably notes which partitions have delivered their whole part of an epoch's initial snapshot, for the readiness check.
 * @param epoch its initial snapshot was in the topics before the partitions' ends were read
 */
export async function noteInitialSnapshot(
  progress: Pick<PartitionProgress, 'noteStaged'>,
  partitionStates: readonly PartitionState[],
  epoch: number,
): Promise<void> {
  const staged = partitionStates.filter(
    (partitionState) => partitionState.notedEpoch < epoch && partitionState.hasStaged(epoch),
  );
  if (staged.length === 0) return;
  await progress.noteStaged(
    staged.map((partitionState) => partitionState.stream),
    epoch,
  );
  for (const partitionState of staged) partitionState.notedEpoch = epoch;
}

/** Durably notes which partitions exist, so that the readiness check knows which have to be read. */
export async function noteTopics(
  progress: Pick<PartitionProgress, 'noteTopics'>,
  marks: readonly Watermarks[],
  tablesByTopic: ReadonlyMap<string, SourceTable>,
): Promise<void> {
  const topics = [...tablesByTopic].flatMap(([topic, table]) => {
    const partitions = marks.filter((mark) => mark.topic === topic).length;
    return partitions === 0 ? [] : [{ table, topic, partitions }];
  });
  await progress.noteTopics(topics);
}
