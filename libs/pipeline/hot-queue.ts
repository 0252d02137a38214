import type { StudentCourse } from '#libs/domain/family.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { keyName } from '#libs/store/keys/keys.ts';

/** Keys beyond this number are not remembered, but found by a look in the database. */
const MOST_KEYS = 10_000;
/** How often to look for marks unasked, milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** A key that somebody else holds is tried this many times, and then left to the next look. */
const MOST_TRIES = 5;

/**
 * The keys of one family that were just marked, for the derivers in this process, which need not ask the database for them.
 * The marks remain the truth: an offered key may have been derived by somebody else meanwhile, and a key lost here is found
 * by the next look.
 */
export class HotQueue {
  readonly signal = new WorkSignal();
  readonly #waiting = new Map<string, WaitingOffer>();
  readonly #busy = new Set<string>();
  #offers = 0;
  #isLookWanted = true;
  #lookedAt = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#waiting.size;
  }

  /** Number of offers so far, for {@link forget}. */
  get offers(): number {
    return this.#offers;
  }

  offer(keys: readonly StudentCourse[]): void {
    this.#offers += 1;
    if (this.#waiting.size + keys.length > MOST_KEYS) {
      this.look();
      return;
    }
    for (const key of keys) this.#waiting.set(keyName(key), { key, tries: 0, offer: this.#offers });
    this.signal.wake();
  }

  /** Drops keys whose marks were taken by a look that began after `offers` offers, unless they were offered again since. */
  forget(keys: readonly StudentCourse[], offers: number): void {
    for (const key of keys) {
      const name = keyName(key);
      if ((this.#waiting.get(name)?.offer ?? Number.POSITIVE_INFINITY) <= offers) this.#waiting.delete(name);
    }
  }

  /** Asks for a look: there may be marks whose keys nobody has offered. */
  look(): void {
    this.#isLookWanted = true;
    this.signal.wake();
  }

  /**
   * Whether to look for marks now; if so, the look counts as done.
   * @param now milliseconds of a clock that only goes forward
   */
  takeLook(now: number): boolean {
    if (!this.#isLookWanted && now - this.#lookedAt < LOOK_EVERY_MS) return false;
    this.#isLookWanted = false;
    this.#lookedAt = now;
    return true;
  }

  /** The keys offered first, at most `limit`, without those being derived now: their turn comes when that is over. */
  take(limit: number): TakenKeys {
    const taken = new Map<string, number>();
    const keys: StudentCourse[] = [];
    for (const [name, { key, tries }] of this.#waiting) {
      if (keys.length === limit) break;
      if (this.#busy.has(name)) continue;
      this.#waiting.delete(name);
      this.#busy.add(name);
      taken.set(name, tries);
      keys.push(key);
    }
    return { keys, done: (left) => this.#done(taken, left) };
  }

  #done(taken: ReadonlyMap<string, number>, left: readonly StudentCourse[]): void {
    for (const name of taken.keys()) this.#busy.delete(name);
    for (const key of left) {
      const name = keyName(key);
      const tries = (taken.get(name) ?? 0) + 1;
      if (tries < MOST_TRIES && !this.#waiting.has(name)) this.#waiting.set(name, { key, tries, offer: this.#offers });
    }
  }
}

interface WaitingOffer {
  readonly key: StudentCourse;
  readonly tries: number;
  /** The number of the offer, see {@link HotQueue.offers}. */
  readonly offer: number;
}

export interface TakenKeys {
  readonly keys: readonly StudentCourse[];
  /** To be called when their derivation is over, with the keys still to be derived. */
  done(left: readonly StudentCourse[]): void;
}
