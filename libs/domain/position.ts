/**
 * The place of a change in the history of its source: the epoch (one life of one replication slot), then the log
 * sequence number within it. Within an epoch the LSN alone orders the changes of one row, because the row's lock makes
 * it the order of commits. Rows read by a snapshot have LSN 0 of their epoch, so that any streamed change beats them.
 */
export interface Position {
  readonly epoch: number;
  readonly lsn: bigint;
}

export const snapshotPosition = (epoch: number): Position => ({ epoch, lsn: 0n });

/** Negative, zero or positive as `a` comes before, with or after `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return a.lsn < b.lsn ? -1 : a.lsn > b.lsn ? 1 : 0;
}

export function laterPosition(a: Position, b: Position | null): Position;
export function laterPosition(a: Position | null, b: Position | null): Position | null;
export function laterPosition(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b;
  return comparePositions(a, b) >= 0 ? a : b;
}

export const samePosition = (a: Position | null, b: Position | null): boolean =>
  a === null || b === null ? a === b : comparePositions(a, b) === 0;

/** Postgres writes an LSN as two hexadecimal halves, `16/B374D848`. */
export function parseLsn(text: string): bigint {
  const match = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text);
  if (match === null)
    throw new RangeError(`not a log sequence number: "${text}" (expected two hexadecimal halves, 16/B374D848)`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

/** `epoch:hi/lo`, the form in which positions are shown and stored as `source_position`. */
export const formatPosition = (p: Position): string => `${p.epoch}:${formatLsn(p.lsn)}`;
