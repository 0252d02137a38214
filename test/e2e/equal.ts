import { expect } from 'vitest';
import { parseDay } from '#libs/domain/local-date.ts';
import { type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import {
  askOracle,
  compareFeatures,
  type Difference,
  type OracleSettings,
  readCourseIds,
  readFeatures,
} from '../support/oracle.ts';
import { untilSettled } from '../support/settle.ts';

interface EqualOptions extends Partial<Omit<OracleSettings, 'today'>> {
  /** The fewest keys that the oracle must have, so that two empty results do not count as equal. */
  readonly atLeast: number;
}

/**
 * Waits until everything committed is derived, then compares every feature of every key with the oracle.
 * @param source as a user who may read and write there
 */
export async function differencesOf(
  source: DatabaseAddress,
  analytics: DatabaseAddress,
  { atLeast, ...settings }: EqualOptions,
): Promise<Difference[]> {
  const [from, to] = [openDatabase(source, { connections: 1 }), openDatabase(analytics, { connections: 1 })];
  try {
    await untilSettled(from, to);
    const [calendar] = await to.query<{ today: string }>('SELECT today FROM state.calendar');
    const told = { ...settings, today: parseDay(calendar?.today ?? '') };
    const oracle = await askOracle(source, 'public', told, await readCourseIds(to));
    const found = compareFeatures(oracle, await readFeatures(analytics));
    expect(oracle.engagement.length).toBeGreaterThanOrEqual(atLeast);
    return found;
  } finally {
    await from.close();
    await to.close();
  }
}
