import { answers } from './answers.ts';
import { backlog } from './backlog.ts';
import { freshness } from './freshness.ts';
import { memory } from './memory.ts';
import { midnight } from './midnight.ts';
import { noise } from './noise.ts';
import type { BenchmarkResult } from './report.ts';
import { resyncs } from './resyncs.ts';
import { type RunOptions, runOn } from './run.ts';
import { scale } from './scale.ts';
import { snapshot } from './snapshot.ts';
import { warmKeys } from './warm-keys.ts';
import { World } from './world.ts';

type Benchmark = (world: World) => Promise<BenchmarkResult>;

/** In running order; each finds the product at rest, with everything before it read. */
const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  a: snapshot,
  b: backlog,
  c: freshness,
  d: scale,
  e: noise,
  f: answers,
  g: memory,
  h: resyncs,
  i: warmKeys,
  j: midnight,
};

export const LETTERS = Object.keys(BENCHMARKS);

export interface SuiteOptions extends Omit<RunOptions<World>, 'benchmarks'> {
  /** Relative to the full size. */
  readonly scale: number;
  readonly profile?: string;
}

/** Runs the benchmarks on their own servers, which are gone afterwards whatever happens. */
export async function runSuite({ scale, profile, ...options }: SuiteOptions): Promise<BenchmarkResult[]> {
  return runOn(await World.start(scale, profile), { ...options, benchmarks: BENCHMARKS });
}
