/** What a snapshot of the source sees, as `pg_current_snapshot()` tells it, by the low 32 bits of transactions. */
export interface SourceSnapshot {
  /** All transactions from here on had not ended when it was taken. */
  readonly xmax: number;
  /** Those before that had not ended either: they lie less than a round of 32 bits back. */
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
 * A transaction that wrote an image may have begun after the snapshot; so many later than it at most, since it ran while a
 * range was compared. All others lie behind, however far.
 */
const AHEAD = 2 ** 28;

/**
 * Whether a snapshot sees what a transaction wrote that has committed by now.
 * @param xid low 32 bits, all that every transport knows of a transaction; null: none, old enough for every snapshot
 */
export function isVisible(xid: number | null, { xmax, running }: SourceSnapshot): boolean {
  if (xid === null) return true;
  // How far ahead it is, the numbers going round.
  if ((xid - xmax) >>> 0 < AHEAD) return false;
  return !running.has(xid);
}
