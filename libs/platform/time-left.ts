/** With less work done, or in a shorter time, no estimate is possible. */
const LEAST_SHARE = 0.02;
const LEAST_MS = 2_000;

/**
 * `, about 3 min to go`, assuming that the rest goes at the same speed; empty while too little is done.
 * @param ms taken so far
 */
export function timeLeft(done: number, total: number, ms: number): string {
  if (ms < LEAST_MS || done < total * LEAST_SHARE || done >= total) return '';
  const seconds = Math.ceil(((total - done) * ms) / done / 1_000);
  return seconds < 100
    ? `, about ${seconds} s to go`
    : `, about ${Math.ceil(seconds / 60).toLocaleString('en')} min to go`;
}

/** Estimates how long a number takes to reach 0, from its fall since it was highest. */
export class Countdown {
  #most = 0;
  #since = 0;

  /**
   * @param now milliseconds, always by the same clock
   * @returns as {@link timeLeft}
   */
  observe(left: number, now: number): string {
    if (left === 0 || left > this.#most) [this.#most, this.#since] = [left, now];
    return timeLeft(this.#most - left, this.#most, now - this.#since);
  }
}
