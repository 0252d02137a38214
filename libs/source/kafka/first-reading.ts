import type { SourceTable } from '#libs/domain/change.ts';
import type { Watermarks } from '#libs/platform/kafka/contract.ts';
import type { PartitionProgress } from '../contract.ts';
import type { PartitionLane } from './lanes.ts';

/**
 * Says durably which partitions have brought all that they have of an epoch's first reading, for readiness to know.
 * @param epoch its first reading was in the topics before the lanes' ends were looked at
 */
export async function noteFirstReading(
  progress: Pick<PartitionProgress, 'noteStaged'>,
  lanes: readonly PartitionLane[],
  epoch: number,
): Promise<void> {
  const staged = lanes.filter((lane) => lane.notedEpoch < epoch && lane.hasStaged(epoch));
  if (staged.length === 0) return;
  await progress.noteStaged(
    staged.map((lane) => lane.stream),
    epoch,
  );
  for (const lane of staged) lane.notedEpoch = epoch;
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
