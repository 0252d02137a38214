import { KeyFault } from '#libs/domain/errors.ts';
import type { Family, Key } from '#libs/domain/family.ts';
import { type Database, isValueFault } from '#libs/platform/postgres/database.ts';
import { readTodayToWrite, shareCalendar } from '#libs/store/calendar.ts';
import { claimKeys, takeMarks } from '#libs/store/keys.ts';
import { NO_NEW_ROWS, NO_ORIGIN } from '#libs/store/marks.ts';
import { setKeyAside } from '#libs/store/set-aside.ts';
import type { DeriveResult } from './derive.ts';
import type { Settings } from './settings.ts';

/** Whether a derivation failed because of what the rows of its keys are, and not because of where it runs. */
const isFaultOfKeys = (error: unknown): boolean =>
  error instanceof KeyFault || error instanceof RangeError || error instanceof TypeError || isValueFault(error);

/**
 * Works on keys together or, where the rows of one make that fail, in halves, until those are found that fail alone.
 * @param work leaves nothing when it fails
 * @param alone is told of a key that fails alone, and why
 */
export async function inHalves<K extends Key, R>(
  keys: readonly K[],
  work: (keys: readonly K[]) => Promise<R>,
  alone: (key: K, error: unknown) => Promise<R>,
): Promise<R[]> {
  try {
    return [await work(keys)];
  } catch (error) {
    const [first] = keys;
    if (first === undefined || !isFaultOfKeys(error)) throw error;
    if (keys.length === 1) return [await alone(first, error)];
    const middle = Math.ceil(keys.length / 2);
    const one = await inHalves(keys.slice(0, middle), work, alone);
    return [...one, ...(await inHalves(keys.slice(middle), work, alone))];
  }
}

/** Takes the marks of a key that cannot be derived, so that it is left alone until it is marked again. */
export const setAside = (
  db: Database,
  family: Family,
  { fingerprint }: Settings,
  key: Key,
  error: unknown,
): Promise<DeriveResult> =>
  db.transaction(async (tx) => {
    const [, claimed] = await Promise.all([shareCalendar(tx), claimKeys(tx, family, [key], 1)]);
    const [[mark = { ...key, ...NO_ORIGIN, newRows: NO_NEW_ROWS }]] = await Promise.all([
      takeMarks(tx, family, claimed),
      readTodayToWrite(tx, fingerprint),
    ]);
    // Who holds it now may find it mended.
    if (claimed.length > 0) await setKeyAside(tx, family, mark, error);
    return { keys: claimed.length, changed: 0, contended: claimed.length === 0, followUps: 0 };
  });
