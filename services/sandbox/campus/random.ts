import { createHash } from 'node:crypto';

/** A seeded source of chance: the same seed gives the same sequence on every machine. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T;
  /** An index into `weights`, each as likely as its weight. */
  weighted(weights: readonly number[]): number;
  /** About normal (the sum of four uniforms), mean 0, standard deviation 1. */
  normal(): number;
}

/** Marsaglia's xorshift with 128 bits of state, taken from a hash of the seed so that similar seeds share nothing. */
export function randomFrom(seed: string): Random {
  const hash = createHash('sha1').update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => hash.readUInt32LE(at)) as [number, number, number, number];
  // All zeros is the only state that xorshift cannot leave.
  d |= 1;
  const next = (): number => {
    const mixed = a ^ (a << 11);
    [a, b, c] = [b, c, d];
    d = d ^ (d >>> 19) ^ mixed ^ (mixed >>> 8);
    return (d >>> 0) / 2 ** 32;
  };
  return {
    next,
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick: (list) => {
      const chosen = list[Math.floor(next() * list.length)];
      if (chosen === undefined) throw new RangeError('nothing to pick from an empty list');
      return chosen;
    },
    weighted: (weights) => pickWeighted(weights, next()),
    normal: () => (next() + next() + next() + next() - 2) * Math.sqrt(3),
  };
}

function pickWeighted(weights: readonly number[], at: number): number {
  let left = at * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}
