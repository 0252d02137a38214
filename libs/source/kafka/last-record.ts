import { createHash } from 'node:crypto';
import type { IncomingBatch, IncomingRecord } from '#libs/platform/kafka/contract.ts';

/** Distinguishes a record from any other at its offset, since its value holds its position in the source's log. */
export const fingerprintOf = ({ key, value }: IncomingRecord): bigint =>
  createHash('sha256')
    .update(key ?? '')
    .update('\0')
    .update(value ?? '')
    .digest()
    .readBigInt64BE(0);

/**
 * Checks, at the first records after starting, that the record before the next one is still the one that was read.
 * @param applied offset of the next record
 * @param lastRecord {@link fingerprintOf} the record before it
 * @returns a sentence if it is a different one
 */
export function otherRecord(
  applied: bigint,
  lastRecord: bigint,
  { topic, partition, records }: IncomingBatch,
): string | undefined {
  const [first] = records;
  // Retention may just have deleted it.
  if (first?.offset !== applied - 1n || fingerprintOf(first) === lastRecord) return undefined;
  return `a gap in ${topic}:${partition}: the record ${first.offset} is not the one that was read there: the topic was deleted, made anew and filled again`;
}
