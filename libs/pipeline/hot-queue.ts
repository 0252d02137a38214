import type { StudentCourse } from '#libs/domain/family.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { keyName } from '#libs/store/keys/keys.ts';

/** Keys beyond these are not remembered: they are looked for in the database. */
const MOST_KEYS = 10_000;
/** Marks are looked for this often without being asked to, milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** A key that somebody else holds is tried this often; then it is left to the next look. */
const MOST_TRIES = 5;

/**
 * The keys of one family that were marked just now, for those who derive them in this process, so that nobody has to ask
 * the database for them. The marks stay the truth: what is offered may have been derived by somebody else meanwhile, and
 * what is lost here is found by the next look.
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

  /** Offers until now, for {@link forget}. */
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

  /** Keys whose marks were taken by a look that began after so many offers: these told of nothing else. */
  forget(keys: readonly StudentCourse[], offers: number): void {
    for (const key of keys) {
      const name = keyName(key);
      if ((this.#waiting.get(name)?.offer ?? Number.POSITIVE_INFINITY) <= offers) this.#waiting.delete(name);
    }
  }

  /** There are marks that nobody has named. */
  look(): void {
    this.#isLookWanted = true;
    this.signal.wake();
  }

  /**
   * Whether to look for marks now; if so, that is taken as done.
   * @param now milliseconds of a clock that only goes forward
   */
  takeLook(now: number): boolean {
    if (!this.#isLookWanted && now - this.#lookedAt < LOOK_EVERY_MS) return false;
    this.#isLookWanted = false;
    this.#lookedAt = now;
    return true;
  }

  /** The keys offered first, at most `limit`, but for those that are being derived: these come again when that is over. */
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
  /** Which one it was. */
  readonly offer: number;
}

export interface TakenKeys {
  readonly keys: readonly StudentCourse[];
  /** To be called when their derivation is over, with those that are still to be derived. */
  done(left: readonly StudentCourse[]): void;
}
