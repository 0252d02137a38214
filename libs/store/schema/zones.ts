import { createHash } from 'node:crypto';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { type Instant, isUtc, openZone, tableZone, type Zone } from '#libs/domain/zone.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { schemaSql } from './statements.ts';

/** Every time that counts lies in these years, and a local time is at most two days from its instant. */
const FROM = Date.UTC(1999, 11, 25);
const TO = Date.UTC(2200, 0, 8);

interface TransitionRow {
  readonly at: bigint;
  /** Seconds. */
  readonly shift: number;
}

/** A zone as the analytics database knows it. */
export interface StoredZone {
  readonly zone: Zone;
  /** Equal for equal moves of the clock. */
  readonly fingerprint: string;
  readonly transitions: readonly Instant[];
}

/**
 * Reads when the clock of a zone moves. All processes ask the same database, so that they agree with each other, and with SQL
 * run there, even if their machines have different zone data.
 * @throws ConfigurationError when the database does not know the zone
 */
export async function readZone(db: Queryable, { name }: Pick<Zone, 'name'>): Promise<StoredZone> {
  const rows = isUtc({ name }) ? [] : await readTransitions(db, name);
  const [first, ...moves] = rows.map(({ at, shift }) => ({ at: Number(at) * 1000, offset: shift * 1000 }));
  return {
    zone: tableZone(name, first?.offset ?? 0, moves),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([first, moves]))
      .digest('hex')
      .slice(0, 16),
    transitions: moves.map(({ at }) => at),
  };
}

async function readTransitions(db: Queryable, name: string): Promise<TransitionRow[]> {
  try {
    return await db.query<TransitionRow>(schemaSql.zone_transitions, [name, new Date(FROM), new Date(TO)]);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== '22023') throw cause;
    throw new ConfigurationError(
      `the analytics database does not know the time zone ${name}`,
      'use an older name of the zone, or a server of Postgres with newer zone data',
      { cause },
    );
  }
}

/** Checking once a week is enough: sets of rules that differ for less than a week differ at a move of the clock. */
const EVERY = 7 * MS_PER_DAY;

/** The first moment, to the second, at which `other` has a different offset than the database; null: none. */
export function firstDifference({ zone, transitions }: StoredZone, other: Zone): Instant | null {
  const moments = transitions.flatMap((at) => [at - 1000, at]);
  for (let week = FROM; week < TO; week += EVERY) moments.push(week);
  moments.sort((a, b) => a - b);
  const differ = (at: Instant): boolean => zone.offsetAt(at) !== other.offsetAt(at);
  const found = moments.findIndex(differ);
  let [same, differs] = [moments[found - 1], moments[found]];
  if (differs === undefined) return null;
  while (same !== undefined && differs - same > 1000) {
    const middle: Instant = same + Math.floor((differs - same) / 2000) * 1000;
    if (differ(middle)) differs = middle;
    else same = middle;
  }
  return differs;
}

/** The same for the zone data of this Node; if it does not know the zone, they differ from the beginning. */
export function differenceFromNode(stored: StoredZone): Instant | null {
  try {
    return firstDifference(stored, openZone(stored.zone.name));
  } catch (error) {
    if (error instanceof RangeError) return FROM;
    throw error;
  }
}
