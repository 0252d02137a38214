import type { BenchmarkResult } from './report.ts';

export interface RunOptions<W> {
  /** In running order. */
  readonly benchmarks: Readonly<Record<string, (world: W) => Promise<BenchmarkResult>>>;
  /** None: all. */
  readonly letters: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly onStart?: ((letter: string) => void) | undefined;
  readonly onResult?: ((result: BenchmarkResult) => void) | undefined;
}

/** Runs benchmarks on a world that is stopped afterwards whatever happens. */
export async function runOn<W extends { stop(): Promise<void> }>(
  world: W,
  { benchmarks, letters, signal, onStart, onResult }: RunOptions<W>,
): Promise<BenchmarkResult[]> {
  const results: BenchmarkResult[] = [];
  // Stopping takes the servers away, which ends the current benchmark.
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal?.aborted) resolve('aborted');
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  try {
    for (const [letter, benchmark] of Object.entries(benchmarks)) {
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
