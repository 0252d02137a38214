import type pg from 'pg';

/** The driver's message if a pool gave no connection in time. */
const NO_CONNECTION = 'timeout exceeded when trying to connect';

/** From when on a wait is worth reporting. Milliseconds. */
const TOO_LONG_MS = 3_000;

/** One sentence if a process cannot reach its database for lack of connections; otherwise none. */
export function poolTroubles({ waitingMs }: { readonly waitingMs: number }): string[] {
  if (waitingMs < TOO_LONG_MS) return [];
  const seconds = Math.round(waitingMs / 1000);
  return [`all connections to the analytics database are in use, and somebody has been waiting ${seconds} s for one`];
}

/** The callers waiting for a connection while all of a pool's are in use. They are served in order of arrival. */
export class PoolWaiting {
  readonly #pool: pg.Pool;
  /** When each waiting caller arrived, the earliest first; some of the earliest may have been served by now. */
  readonly #since: number[] = [];

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** How long the earliest has been waiting. Milliseconds; 0: nobody waits. */
  get longestMs(): number {
    this.#forgetServed(this.#pool.waitingCount);
    const [first] = this.#since;
    return first === undefined ? 0 : performance.now() - first;
  }

  /**
   * Call it with a promise that the pool has just returned.
   * @throws what that rejects with, in clearer words if no connection came free
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
