import type { ConnectHttp } from './http.ts';

/** How far a connector has got, as Debezium stores it; log sequence numbers are bigints. */
export interface StoredOffset {
  readonly lsn?: bigint;
  readonly lsn_proc?: bigint;
  readonly lsn_commit?: bigint;
  /** What was read there last, as `INSERT` or `COMMIT`. */
  readonly messageType?: string;
  /** Present while a snapshot is under way. */
  readonly snapshot?: string | boolean;
}

/**
 * The place up to which Kafka has everything a connector has sent: every `offset.flush.interval.ms`, Connect stores the
 * offset of a record only if the broker has accepted it and all before it.
 * @returns undefined: nothing is stored, or there is no such connector
 * @throws what {@link ConnectHttp} throws
 */
export async function readOffset(http: ConnectHttp, connector: string): Promise<StoredOffset | undefined> {
  const path = `/connectors/${encodeURIComponent(connector)}/offsets`;
  const answer = await http.request('GET', path, { missing: true });
  return (answer as { offsets: { offset: StoredOffset | null }[] } | undefined)?.offsets[0]?.offset ?? undefined;
}

/** The furthest place in the source's log that an offset names. */
export const placeOfOffset = ({ lsn = 0n, lsn_proc: processed = 0n, lsn_commit: commit = 0n }: StoredOffset): bigint =>
  [lsn, processed, commit].reduce((most, place) => (place > most ? place : most));
