import { answers } from './answers.ts';
import { backlog } from './backlog.ts';
import { freshness } from './freshness.ts';
import { memory } from './memory.ts';
import { noise } from './noise.ts';
import type { BenchmarkResult } from './report.ts';
import { scale } from './scale.ts';
import { snapshot } from './snapshot.ts';
import { World } from './world.ts';

type Benchmark = (world: World) => Promise<BenchmarkResult>;

/** In the order in which they run; each finds the product at rest, with all that came before read. */
const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  a: snapshot,
  b: backlog,
  c: freshness,
  d: scale,
  e: noise,
  f: answers,
  g: memory,
};

export const LETTERS = Object.keys(BENCHMARKS);

export interface SuiteOptions {
  /** None: all. */
  readonly letters: readonly string[];
  /** Of the full size. */
  readonly scale: number;
  readonly profile?: string;
  readonly signal?: AbortSignal;
  readonly onStart?: (letter: string) => void;
  readonly onResult?: (result: BenchmarkResult) => void;
}

/** Runs the benchmarks on servers of their own, which are gone afterwards whatever happens. */
export async function runSuite(options: SuiteOptions): Promise<BenchmarkResult[]> {
  const { letters, scale, profile, signal, onStart, onResult } = options;
  const world = await World.start(scale, profile);
  const results: BenchmarkResult[] = [];
  // A stop takes the servers away, and the benchmark at hand ends by that.
  const aborted = new Promise<'aborted'>((resolve) => {
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  try {
    for (const [letter, benchmark] of Object.entries(BENCHMARKS)) {
      if (letters.length > 0 && !letters.includes(letter)) continue;
      onStart?.(letter);
      const running = benchmark(world);
      const result = await Promise.race([running, aborted]);
      if (result === 'aborted') {
        running.catch(() => {});
        break;
      }
      results.push(result);
      onResult?.(result);
    }
  } finally {
    await world.stop();
  }
  return results;
}
