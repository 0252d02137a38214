import type { BenchmarkResult } from '../report.ts';
import { type RunOptions, runOn } from '../run.ts';
import { alone } from './alone.ts';
import { drain } from './drain.ts';
import { fullPath } from './full-path.ts';
import { used } from './used.ts';
import { StackWorld } from './world.ts';

/** In running order; the last ones need what the first have left. */
const BENCHMARKS = { a: alone, b: fullPath, c: drain, d: used };

export const LETTERS = Object.keys(BENCHMARKS);

export interface StackSuiteOptions extends Omit<RunOptions<StackWorld>, 'benchmarks'> {
  readonly size: 'small' | 'full';
}

/** Runs the benchmarks on their own stack, which is gone afterwards whatever happens. The parts must be fetched. */
export async function runStackSuite({ size, ...options }: StackSuiteOptions): Promise<BenchmarkResult[]> {
  let world: StackWorld;
  try {
    world = await StackWorld.start(size, options.signal);
  } catch (error) {
    // After a stop during its start, the resulting error interests nobody.
    if (options.signal?.aborted) return [];
    throw error;
  }
  return runOn(world, { ...options, benchmarks: BENCHMARKS });
}
