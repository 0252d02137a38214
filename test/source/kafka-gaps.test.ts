import { expect, test } from 'vitest';
import { noteGap } from '#libs/source/kafka/gaps.ts';
import { PartitionState } from '#libs/source/kafka/partition-state.ts';
import { MemoryPartitions } from './kafka-world.ts';

const STREAM = 'kafka:t:0';
const row = (applied: bigint, epoch = 1) => ({ stream: STREAM, epoch, applied, lastRecord: null, origin: 'a cluster' });
const open = (applied: bigint): PartitionState =>
  new PartitionState({ topic: 't', partition: 0 }, 'grades', row(applied), 20n, () => {});

test('a gap holds its partition', async () => {
  const progress = new MemoryPartitions();
  progress.rows.set(STREAM, row(4n));
  const partitionState = open(4n);
  expect(await noteGap(progress, partitionState, 'four is gone', partitionState.fetched)).toBe(true);
  expect(partitionState.heldFor).toBe('four is gone; a new epoch has to be begun');
  expect([...progress.gaps.keys()]).toEqual([STREAM]);
});

test.each([
  { what: 'moved on', stored: row(9n) },
  { what: 'begun anew', stored: row(0n, 2) },
])('what was $what by another process meanwhile has none, and is read on from there', async ({ stored }) => {
  const progress = new MemoryPartitions();
  progress.rows.set(STREAM, stored);
  const partitionState = open(4n);
  expect(await noteGap(progress, partitionState, 'four is gone', partitionState.fetched)).toBe(false);
  const { epoch, applied, fetched, heldFor } = partitionState;
  expect({ epoch, applied, fetched, heldFor }).toEqual({
    epoch: stored.epoch,
    applied: stored.applied,
    fetched: stored.applied,
    heldFor: undefined,
  });
  expect([...progress.gaps]).toEqual([]);
});
