import type { BenchmarkResult } from '../report.ts';
import { type RunOptions, runOn } from '../run.ts';
import { changes } from './changes.ts';
import { everything } from './everything.ts';
import { steady } from './steady.ts';
import { PeersWorld } from './world.ts';

/** In the order in which they run; a later one that runs alone has the first done before it. */
const BENCHMARKS = { a: everything, b: changes, c: steady };

export const LETTERS = Object.keys(BENCHMARKS);

export interface PeersSuiteOptions extends Omit<RunOptions<PeersWorld>, 'benchmarks'> {
  /** Of the full size. */
  readonly scale: number;
}

/** Runs the benchmarks on servers of their own, which are gone afterwards whatever happens. The parts must be fetched. */
export async function runPeersSuite({ scale, ...options }: PeersSuiteOptions): Promise<BenchmarkResult[]> {
  return runOn(await PeersWorld.start(scale), { ...options, benchmarks: BENCHMARKS });
}
