/** Less work, or a shorter time, tells nothing of the rest. */
const LEAST_SHARE = 0.02;
const LEAST_MS = 2_000;

/**
 * `, about 3 min to go`, where the rest takes as long as what is done; empty while too little is.
 * @param ms that what is done took
 */
export function timeLeft(done: number, total: number, ms: number): string {
  if (ms < LEAST_MS || done < total * LEAST_SHARE || done >= total) return '';
  const seconds = Math.ceil(((total - done) * ms) / done / 1_000);
  return seconds < 100
    ? `, about ${seconds} s to go`
    : `, about ${Math.ceil(seconds / 60).toLocaleString('en')} min to go`;
}

/** Says how long a number takes to come to nothing, by how it has fallen since it was highest. */
export class Countdown {
  #most = 0;
  #since = 0;

  /**
   * @param now milliseconds, by any clock that stays the same
   * @returns as {@link timeLeft}
   */
  observe(left: number, now: number): string {
    if (left === 0 || left > this.#most) [this.#most, this.#since] = [left, now];
    return timeLeft(this.#most - left, this.#most, now - this.#since);
  }
}
