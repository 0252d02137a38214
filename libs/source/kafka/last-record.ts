import { createHash } from 'node:crypto';
import type { IncomingBatch, IncomingRecord } from '#libs/platform/kafka/contract.ts';
import { EPOCH_HEADER, epochOf } from './record.ts';

/** Distinguishes a record from any other at its offset, since its value holds its position in the source's log. */
export const fingerprintOf = ({ key, value }: IncomingRecord): bigint =>
  createHash('sha256')
    .update(key ?? '')
    .update('\0')
    .update(value ?? '')
    .digest()
    .readBigInt64BE(0);

/** What is kept in memory of the last record that was read of a partition. */
export interface LastRecord extends Pick<IncomingRecord, 'offset' | 'leaderEpoch' | 'inTransaction'> {
  readonly fingerprint: bigint;
  /** Of the slot that it comes from; undefined if nothing says so. */
  readonly epoch: number | undefined;
}

export const lastRecordOf = (record: IncomingRecord): LastRecord => ({
  offset: record.offset,
  leaderEpoch: record.leaderEpoch,
  inTransaction: record.inTransaction ?? false,
  fingerprint: fingerprintOf(record),
  epoch: epochOf(record.headers[EPOCH_HEADER]),
});

/**
 * Whether the records after `last` were written under another leader. If it was elected uncleanly, the log was cut off, perhaps
 * before `last`, and has grown beyond it since.
 */
export function mayBeCutOff(last: LastRecord, { records }: IncomingBatch): boolean {
  const next = records.find(({ offset }) => offset >= last.offset);
  return next !== undefined && next.offset > last.offset && next.leaderEpoch !== last.leaderEpoch;
}

/**
 * Checks that the record before the next one is still the one that was read, if the batch has it.
 * @param applied offset of the next record
 * @param fingerprint {@link fingerprintOf} the record before it
 * @returns a sentence if it is a different one
 */
export function otherRecord(
  applied: bigint,
  fingerprint: bigint,
  { topic, partition, records }: IncomingBatch,
): string | undefined {
  const same = records.find(({ offset }) => offset === applied - 1n);
  // Retention may just have deleted it.
  if (same === undefined || fingerprintOf(same) === fingerprint) return undefined;
  return `a gap in ${topic}:${partition}: the record ${same.offset} is not the one that was read there: the topic was deleted, made anew and filled again, or a leader that was elected uncleanly has cut its log off`;
}

/** A record after which others are missing, within the log. */
export interface Hole {
  readonly epoch: number | undefined;
  readonly said: string;
}

/** Finds the last place where records are missing, as after compaction. */
export function findHole(last: LastRecord | undefined, { topic, partition, records }: IncomingBatch): Hole | undefined {
  let hole: Hole | undefined;
  let before: LastRecord | IncomingRecord | undefined = last;
  for (const record of records) {
    if (before !== undefined && record.offset <= before.offset) continue;
    if (before !== undefined && record.offset > before.offset + 1n && before.inTransaction !== true) {
      const epoch = 'headers' in before ? epochOf(before.headers[EPOCH_HEADER]) : before.epoch;
      const said = `a gap in ${topic}:${partition}: between ${before.offset} and ${record.offset} records are missing: the topic was compacted for a while, or a broker has lost files`;
      hole = { epoch, said };
    }
    before = record;
  }
  return hole;
}
