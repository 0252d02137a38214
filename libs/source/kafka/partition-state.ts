import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { IncomingBatch, PartitionId, Watermarks } from '#libs/platform/kafka/contract.ts';
import type { PartitionRow } from '../contract.ts';
import type { DispatchTarget } from './batch-dispatcher.ts';
import type { LastRecord } from './last-record.ts';

/** The state of reading a partition. */
export type ReadingState =
  /** Started one record early, to compare that record's fingerprint with the last one read. */
  | { readonly kind: 'resuming'; readonly lastRecord: bigint }
  | { readonly kind: 'reading' }
  /** The registry does not return the next record's schema. */
  | { readonly kind: 'awaiting schema'; readonly said: string }
  /** The next record is gone, or the log is a different one: only a new epoch helps. */
  | { readonly kind: 'gap'; readonly said: string };

/** One partition that is currently assigned to us. */
export class PartitionState implements DispatchTarget {
  readonly id: PartitionId;
  readonly table: SourceTable;
  readonly stream: string;
  epoch: number;
  /** Offset of the next record to be applied. */
  applied: bigint;
  /** Offset of the next record to be fetched: those from `applied` up to here are being staged. */
  fetched: bigint;
  /** Where the partition ends, as last reported. */
  high: bigint;
  /** The furthest end that was seen: a log that ends before it was cut off. */
  reached = 0n;
  /** The record before `fetched`; undefined if none was read since this state began, or since it was compared. */
  last: LastRecord | undefined;
  reading: ReadingState = { kind: 'reading' };
  /** The newest epoch whose initial snapshot was noted as staged. */
  notedEpoch = 0;
  /** Where the partition ended when it was known to hold its part of an epoch's initial snapshot. */
  #initialSnapshot: { readonly epoch: number; readonly end: bigint } | undefined;
  readonly #onApplied: (partitionState: PartitionState) => void;

  constructor(
    id: PartitionId,
    table: SourceTable,
    row: PartitionRow,
    high: bigint,
    onApplied: (partitionState: PartitionState) => void,
  ) {
    this.id = id;
    this.table = table;
    this.stream = row.stream;
    this.epoch = row.epoch;
    this.applied = row.applied;
    this.fetched = row.applied;
    this.high = high;
    this.#onApplied = onApplied;
  }

  /** Why it is currently not being read. */
  get heldFor(): string | undefined {
    return 'said' in this.reading ? this.reading.said : undefined;
  }

  /** Whether there are records to fetch; one may be the mark that ends a producer's transaction, which nobody is given. */
  get waits(): boolean {
    return this.heldFor === undefined && this.high > this.fetched + 1n;
  }

  get lag(): bigint {
    return this.high > this.applied ? this.high - this.applied : 0n;
  }

  onApplied(next: bigint): void {
    if (next > this.applied) this.applied = next;
    if (this.applied > this.high) this.high = this.applied;
    this.#onApplied(this);
  }

  /**
   * Whether this partition's whole part of an epoch's initial snapshot is staged.
   * @param epoch its initial snapshot was in the topics before `high` was read
   */
  hasStaged(epoch: number): boolean {
    if (this.#initialSnapshot?.epoch !== epoch) this.#initialSnapshot = { epoch, end: this.high };
    return this.reading.kind === 'reading' && this.applied >= this.#initialSnapshot.end;
  }

  /** Resumes reading at `applied`. */
  release(): void {
    this.fetched = this.applied;
    this.reading = { kind: 'reading' };
  }

  /** Starts again, in a newer epoch. */
  restart(row: PartitionRow): void {
    this.epoch = row.epoch;
    this.applied = row.applied;
    this.reached = 0n;
    this.last = undefined;
    this.#initialSnapshot = undefined;
    this.release();
  }
}

export const otherCluster = ({ topic, partition }: PartitionId, kept: string, found: string): string =>
  `a gap in ${topic}:${partition}: it was read from the Kafka cluster ${kept}, and this is the cluster ${found}`;

/**
 * A sentence that says why reading cannot go on at `next`; undefined if it can.
 * @param reached the furthest end that was seen
 */
export function gapAt(
  next: bigint,
  { topic, partition, low, high }: Watermarks,
  reached: bigint = next,
): string | undefined {
  const where = `a gap in ${topic}:${partition}: the next record to read is ${next}`;
  if (next < low)
    return `${where}, but the log begins at ${low} by now: what lay between was deleted before it was read`;
  if (next > high) return `${where}, but the log ends at ${high}: it was made anew, or set back`;
  if (reached > high)
    return `${where}, and the log, which had come to ${reached}, ends at ${high}: it was set back, as by the unclean election of a leader`;
  return undefined;
}

/** True when a batch does not begin where the one before it ended, whatever the reason. */
export const jumps = (batch: IncomingBatch, fetched: bigint): boolean => {
  const first = batch.records[0]?.offset;
  return batch.high < fetched || (first !== undefined && first > fetched);
};
