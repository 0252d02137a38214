import type { BenchmarkResult } from '../report.ts';
import { type RunOptions, runOn } from '../run.ts';
import { alone } from './alone.ts';
import { drain } from './drain.ts';
import { fullPath } from './full-path.ts';
import { used } from './used.ts';
import { StackWorld } from './world.ts';

/** In the order in which they run; the last ones need what the first have left. */
const BENCHMARKS = { a: alone, b: fullPath, c: drain, d: used };

export const LETTERS = Object.keys(BENCHMARKS);

export interface StackSuiteOptions extends Omit<RunOptions<StackWorld>, 'benchmarks'> {
  readonly size: 'small' | 'full';
}

/** Runs the benchmarks on a stack of their own, which is gone afterwards whatever happens. The parts must be fetched. */
export async function runStackSuite({ size, ...options }: StackSuiteOptions): Promise<BenchmarkResult[]> {
  let world: StackWorld;
  try {
    world = await StackWorld.start(size, options.signal);
  } catch (error) {
    // Whoever stops it while it begins does not ask why it could not go on.
    if (options.signal?.aborted) return [];
    throw error;
  }
  return runOn(world, { ...options, benchmarks: BENCHMARKS });
}
