import { expect, test } from 'vitest';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { PartitionProgress } from '#libs/source/contract.ts';
import { noteInitialSnapshot, noteTopics } from '#libs/source/kafka/initial-snapshot.ts';
import { PartitionState } from '#libs/source/kafka/partition-state.ts';
import { MemoryPartitions } from './kafka-world.ts';

const row = (applied: bigint) => ({ stream: 'kafka:t:0', epoch: 1, applied, lastRecord: null, origin: 'a cluster' });
const partitionState = (applied: bigint, high: bigint): PartitionState =>
  new PartitionState({ topic: 't', partition: 0 }, 'grades', row(applied), high, () => {});

async function staged(progress: MemoryPartitions, of: PartitionState, epoch = 1): Promise<number | undefined> {
  await noteInitialSnapshot(progress, [of], epoch);
  return progress.staged.get('kafka:t:0');
}

test('a partition has brought the initial snapshot when it is applied to where it ended then, whatever comes after', async () => {
  const progress = new MemoryPartitions();
  const busy = partitionState(3n, 10n);
  expect(await staged(progress, busy)).toBeUndefined();
  busy.high = 500n;
  busy.onApplied(9n);
  expect(await staged(progress, busy)).toBeUndefined();
  busy.onApplied(10n);
  expect(await staged(progress, busy)).toBe(1);
  // The next epoch starts from nothing, from where the partition ends now.
  expect(await staged(progress, busy, 2)).toBe(1);
  busy.onApplied(500n);
  expect(await staged(progress, busy, 2)).toBe(2);
});

test('one without records has nothing to bring', async () => {
  expect(await staged(new MemoryPartitions(), partitionState(0n, 0n))).toBe(1);
});

test('one that waits, or whose log has not been looked at, says nothing; one that is begun anew says it anew', async () => {
  const progress = new MemoryPartitions();
  const held = partitionState(10n, 10n);
  held.reading = { kind: 'gap', said: 'a gap' };
  expect(await staged(progress, held)).toBeUndefined();
  held.release();
  held.reading = { kind: 'resuming', lastRecord: 7n };
  expect(await staged(progress, held)).toBeUndefined();
  held.restart(row(4n));
  held.high = 12n;
  expect(await staged(progress, held)).toBeUndefined();
  held.onApplied(12n);
  expect(await staged(progress, held)).toBe(1);
});

test('what could not be noted is noted the next time, and what was noted once is not again', async () => {
  const noted: number[] = [];
  let away = true;
  const progress: Pick<PartitionProgress, 'noteStaged'> = {
    noteStaged: async (_, epoch) => {
      if (away) throw new Error('the database is away');
      noted.push(epoch);
    },
  };
  const only = [partitionState(1n, 1n)];
  await expect(noteInitialSnapshot(progress, only, 1)).rejects.toThrow('away');
  away = false;
  await noteInitialSnapshot(progress, only, 1);
  await noteInitialSnapshot(progress, only, 1);
  expect(noted).toEqual([1]);
});

test('topics are noted with all of their partitions, also those that others read', async () => {
  const progress = new MemoryPartitions();
  const tables = new Map<string, SourceTable>([
    ['lms.public.grades', 'grades'],
    ['lms.public.students', 'students'],
  ]);
  const mark = (partition: number) => ({ topic: 'lms.public.grades', partition, low: 0n, high: 1n });
  await noteTopics(progress, [mark(0), mark(1), { ...mark(0), topic: 'another' }], tables);
  expect([...progress.topics]).toEqual([['grades', { topic: 'lms.public.grades', partitions: 2 }]]);
});
