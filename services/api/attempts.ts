const WINDOW_MS = 60_000;
/** Wrong tokens from one address in a minute after which further ones are refused without a look. */
const MOST_FAILURES = 30;
/** Addresses remembered; beyond that the one not seen for longest is forgotten. */
const MOST_ADDRESSES = 10_000;

interface Address {
  failures: number;
  /** Start of the minute in which they are counted. */
  since: number;
  /** Digests of tokens that were right when they came from this address: they are still let in. */
  readonly known: Set<string>;
}

/**
 * Counts wrong tokens by address, and shuts an address that sends many out for a while. Behind a proxy all callers share
 * one address, and a caller with a wrong token must not shut out the others.
 */
export class Attempts {
  readonly #addresses = new Map<string, Address>();

  /**
   * Seconds until the address may try again; 0 while it may.
   * @param token its digest; tokens themselves are not kept
   */
  secondsToWait(address: string, token: string, now: number): number {
    const known = this.#addresses.get(address);
    if (known === undefined || known.failures < MOST_FAILURES || now >= known.since + WINDOW_MS) return 0;
    return known.known.has(token) ? 0 : Math.ceil((known.since + WINDOW_MS - now) / 1000);
  }

  failed(address: string, now: number): void {
    const at = this.#at(address, now);
    if (now >= at.since + WINDOW_MS) Object.assign(at, { failures: 0, since: now });
    at.failures += 1;
  }

  succeeded(address: string, token: string, now: number): void {
    const { known } = this.#at(address, now);
    if (known.size < MOST_FAILURES) known.add(token);
  }

  #at(address: string, now: number): Address {
    const found = this.#addresses.get(address) ?? { failures: 0, since: now, known: new Set() };
    this.#addresses.delete(address);
    this.#addresses.set(address, found);
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > MOST_ADDRESSES && oldest !== undefined) this.#addresses.delete(oldest);
    return found;
  }
}
