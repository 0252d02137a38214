import { KeyFault } from '#libs/domain/errors.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import { isValueFault } from '#libs/platform/postgres/database.ts';

/** Whether a derivation failed because of the rows of its keys and not because of its surroundings. */
const isFaultOfKeys = (error: unknown): boolean =>
  error instanceof KeyFault || error instanceof RangeError || error instanceof TypeError || isValueFault(error);

/**
 * Works on all keys together or, if the rows of one make that fail, in halves, until the keys that fail alone are found.
 * @param work must leave nothing behind when it fails
 * @param alone called with each key that fails alone, and the error
 */
export async function inHalves<K extends StudentCourse, R>(
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
