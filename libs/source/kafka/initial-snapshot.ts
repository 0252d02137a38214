import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Watermarks } from '#libs/platform/kafka/contract.ts';
import type { PartitionProgress } from '../contract.ts';
import type { PartitionState } from './partition-state.ts';

/**
 * Says durably which partitions have brought all that they have of an epoch's initial snapshot, for readiness to know.
 * @param epoch its initial snapshot was in the topics before the partitions' ends were looked at
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

/** Says durably which partitions there are, for readiness to know which have to be read. */
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
