import { createHash } from 'node:crypto';
import type { IncomingBatch, IncomingRecord } from '#libs/platform/kafka/contract.ts';

/** Tells a record from any other that could lie in its place: its value holds its position in the source's log. */
export const fingerprintOf = ({ key, value }: IncomingRecord): bigint =>
  createHash('sha256')
    .update(key ?? '')
    .update('\0')
    .update(value ?? '')
    .digest()
    .readBigInt64BE(0);

/**
 * Looks whether the record before the one that is next is still the one that was read, at the first records after a begin.
 * @param applied offset of the next record
 * @param lastRecord {@link fingerprintOf} the record before it
 * @returns a sentence if it is another one
 */
export function otherRecord(
  applied: bigint,
  lastRecord: bigint,
  { topic, partition, records }: IncomingBatch,
): string | undefined {
  const [first] = records;
  // It may have been deleted for its age just now.
  if (first?.offset !== applied - 1n || fingerprintOf(first) === lastRecord) return undefined;
  return `a gap in ${topic}:${partition}: the record ${first.offset} is not the one that was read there: the topic was deleted, made anew and filled again`;
}
