/** What a source snapshot sees, from `pg_current_snapshot()`, by the low 32 bits of transaction ids. */
export interface SourceSnapshot {
  /** Transactions from this one on had not ended when it was taken. */
  readonly xmax: number;
  /** Earlier ones that had not ended either; they lie less than 2^32 back. */
  readonly running: ReadonlySet<number>;
}

const lowBits = (xid: string): number => Number(BigInt.asUintN(32, BigInt(xid)));

/** @throws RangeError for a text that is not `xmin:xmax:xid,xid,…` */
export function parseSnapshot(text: string): SourceSnapshot {
  const match = /^\d+:(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text);
  if (match === null) throw new RangeError(`not a snapshot: "${text}" (expected xmin:xmax:xid,xid,…)`);
  const [, xmax = '', running = ''] = match;
  return { xmax: lowBits(xmax), running: new Set(running === '' ? [] : running.split(',').map(lowBits)) };
}

/**
 * A transaction that wrote an image may have begun after the snapshot, but its id is at most this much higher, since it ran
 * while a range was compared. All others lie before it, however far back.
 */
const AHEAD = 2 ** 28;

/**
 * Whether a snapshot sees what a transaction, committed by now, has written.
 * @param xid low 32 bits, which is all that every transport knows; null: none, old enough for every snapshot
 */
export function isVisible(xid: number | null, { xmax, running }: SourceSnapshot): boolean {
  if (xid === null) return true;
  // How far ahead it is, modulo 2^32.
  if ((xid - xmax) >>> 0 < AHEAD) return false;
  return !running.has(xid);
}
