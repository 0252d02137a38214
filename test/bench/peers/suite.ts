import type { BenchmarkResult } from '../report.ts';
import { type RunOptions, runOn } from '../run.ts';
import { changes } from './changes.ts';
import { everything } from './everything.ts';
import { steady } from './steady.ts';
import { PeersWorld } from './world.ts';

/** In running order; a later one that runs alone does the first one beforehand. */
const BENCHMARKS = { a: everything, b: changes, c: steady };

export const LETTERS = Object.keys(BENCHMARKS);

export interface PeersSuiteOptions extends Omit<RunOptions<PeersWorld>, 'benchmarks'> {
  /** Relative to the full size. */
  readonly scale: number;
}

/** Runs the benchmarks on their own servers, which are gone afterwards whatever happens. The parts must be fetched. */
export async function runPeersSuite({ scale, ...options }: PeersSuiteOptions): Promise<BenchmarkResult[]> {
  return runOn(await PeersWorld.start(scale), { ...options, benchmarks: BENCHMARKS });
}
