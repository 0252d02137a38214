import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { Shape } from '../campus.ts';
import { click, newClick } from '../load.ts';
import type { KnownKey } from '../rows-told.ts';
import { keyOf } from '../rows-told.ts';
import type { BareReader } from './bare.ts';

/** When one change was seen, by this process's clock. NaN: not yet, or not looked for. */
export interface Touch {
  /** When its COMMIT returned. */
  committedAt: number;
  /** When a consumer that does nothing else had decoded it. */
  decodedAt: number;
  /** When we heard that the feature row counting it was committed. */
  visibleAt: number;
  /** When an answer of GET /api/metrics/student/{id} that counts it was read. */
  answeredAt: number;
  /** When the message on the feature topic that counts it was decoded. */
  toldAt: number;
}

export type Moment = Exclude<keyof Touch, 'committedAt'>;

/** The touches of one key in order, and how many of them have been seen. */
interface Line {
  readonly known: KnownKey;
  readonly touches: { touch: Touch; index: number }[];
  readonly seen: { visibleAt: number; toldAt: number };
}

const NOT_YET = { committedAt: NaN, decodedAt: NaN, visibleAt: NaN, answeredAt: NaN, toldAt: NaN };

/** Changes of keys, each the insertion of one event in its own transaction, and when each was seen where. */
export class Touches {
  readonly log: readonly Touch[];
  readonly #keys: readonly number[];
  readonly #source: Database;
  readonly #shape: Shape;
  readonly #bare: BareReader;
  readonly #lines = new Map<string, Line>();

  /**
   * @param keys the keys to touch, in order; each touch of a key is expected to add one event
   * @param known the current features of the keys; without it only the decoding is noted
   */
  constructor(
    { source, shape, bare }: { source: Database; shape: Shape; bare: BareReader },
    keys: readonly number[],
    known: ReadonlyMap<number, KnownKey> = new Map(),
  ) {
    this.#source = source;
    this.#shape = shape;
    this.#bare = bare;
    this.#keys = keys;
    this.log = keys.map(() => ({ ...NOT_YET }));
    for (const [index, touch] of this.log.entries()) {
      const key = known.get(keys[index] ?? -1);
      if (key === undefined) continue;
      const name = keyOf(key.student, key.course);
      const line: Line = this.#lines.get(name) ?? { known: key, touches: [], seen: { visibleAt: 0, toldAt: 0 } };
      this.#lines.set(name, line);
      line.touches.push({ touch, index });
    }
  }

  /** Makes the change at this place in the order; resolves once it is committed. */
  async make(index: number): Promise<void> {
    const touch = this.log[index];
    if (touch === undefined) return;
    const id = newClick();
    // The reader may be faster than the answer to the commit.
    this.#bare.expect(id, () => {
      touch.decodedAt = performance.now();
    });
    await click(this.#source, id, this.#keys[index] ?? 0, this.#shape);
    touch.committedAt = performance.now();
  }

  /**
   * Notes that a key now counts this many events. Every counted event has happened, and counts go up one by one.
   * @returns the touches that had not been seen there before, with their places in the order
   */
  saw(moment: 'visibleAt' | 'toldAt', key: string, events: number): readonly { touch: Touch; index: number }[] {
    const line = this.#lines.get(key);
    if (line === undefined) return [];
    const from = line.seen[moment];
    const to = Math.min(line.touches.length, Math.max(from, events - line.known.events));
    line.seen[moment] = to;
    const now = performance.now();
    const fresh = line.touches.slice(from, to);
    for (const { touch } of fresh) touch[moment] = now;
    return fresh;
  }

  /** Waits until all of them are seen there, or the time is up. */
  async until(moment: Moment, timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (performance.now() < until && this.log.some((touch) => Number.isNaN(touch[moment]))) await sleep(5);
  }
}

/** The times from commit to `moment`, milliseconds, leaving out what was not seen. */
export const sinceCommit = (log: readonly Touch[], moment: Moment): number[] =>
  log.map((touch) => touch[moment] - touch.committedAt).filter(Number.isFinite);
