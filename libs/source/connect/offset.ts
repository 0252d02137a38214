import type { ConnectHttp } from './http.ts';

/** How far a connector has come, as Debezium puts it down; log sequence numbers are bigints. */
export interface StoredOffset {
  readonly lsn?: bigint;
  readonly lsn_proc?: bigint;
  readonly lsn_commit?: bigint;
  /** Present while a snapshot is under way. */
  readonly snapshot?: string | boolean;
}

/**
 * How far Kafka has all that a connector has sent: Connect stores the offset of a record only when the broker has taken that
 * record and each before it, every `offset.flush.interval.ms`.
 * @returns undefined: nothing is stored, or there is no such connector
 * @throws what {@link ConnectHttp} throws
 */
export async function readOffset(http: ConnectHttp, connector: string): Promise<StoredOffset | undefined> {
  const path = `/connectors/${encodeURIComponent(connector)}/offsets`;
  const answer = await http.request('GET', path, { missing: true });
  return (answer as { offsets: { offset: StoredOffset | null }[] } | undefined)?.offsets[0]?.offset ?? undefined;
}

/** The farthest place in the source's log that an offset names. */
export const placeOfOffset = ({ lsn = 0n, lsn_proc: processed = 0n, lsn_commit: commit = 0n }: StoredOffset): bigint =>
  [lsn, processed, commit].reduce((most, place) => (place > most ? place : most));
