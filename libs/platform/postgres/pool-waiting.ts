import type pg from 'pg';

/** What the driver says of a pool that gave no connection in time. */
const NO_CONNECTION = 'timeout exceeded when trying to connect';

/** From when on it is worth a word. Milliseconds. */
const TOO_LONG_MS = 3_000;

/** Why a process is not well that does not get at its database for want of connections, one sentence; else none. */
export function poolTroubles({ waitingMs }: { readonly waitingMs: number }): string[] {
  if (waitingMs < TOO_LONG_MS) return [];
  const seconds = Math.round(waitingMs / 1000);
  return [`all connections to the analytics database are in use, and somebody has been waiting ${seconds} s for one`];
}

/** Who waits for a connection of a pool whose connections are all in use. They get one in the order in which they came. */
export class PoolWaiting {
  readonly #pool: pg.Pool;
  /** When each of those who wait came, the first one first; some of the first may have been served by now. */
  readonly #since: number[] = [];

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** How long the one that came first has been waiting. Milliseconds; 0: nobody waits. */
  get longestMs(): number {
    this.#forgetServed(this.#pool.waitingCount);
    const [first] = this.#since;
    return first === undefined ? 0 : performance.now() - first;
  }

  /**
   * To be called with what has just been asked of the pool.
   * @throws what it rejects with, in clearer words where no connection came free
   */
  heed<T>(asked: Promise<T>): Promise<T> {
    const { waitingCount } = this.#pool;
    this.#forgetServed(waitingCount - 1);
    if (this.#since.length < waitingCount) this.#since.push(performance.now());
    const isFull = (): boolean => this.#pool.totalCount >= this.#pool.options.max && this.#pool.idleCount === 0;
    return asked.catch((error: unknown) => {
      if (!(error instanceof Error) || error.message !== NO_CONNECTION || !isFull()) throw error;
      throw new Error(`${NO_CONNECTION}: all ${this.#pool.options.max} connections are in use`, { cause: error });
    });
  }

  #forgetServed(waiting: number): void {
    while (this.#since.length > Math.max(0, waiting)) this.#since.shift();
  }
}
