import type { BenchmarkResult } from '../report.ts';
import type { StackWorld } from './world.ts';

/** (d) What each process has used since its start, over everything measured before. */
export async function used(world: StackWorld): Promise<BenchmarkResult> {
  const costs = [...world.costs.read()];
  const all = costs.filter(([name]) => name !== 'the bench itself');
  const cpu = all.reduce((sum, [, cost]) => sum + cost.cpu, 0);
  const peak = all.reduce((sum, [, cost]) => sum + cost.peakRssMb, 0);
  return {
    letter: 'd',
    title: 'CPU seconds and peak memory of each process, its children included, over the whole run',
    verdicts: [],
    runs: costs.map(([name, cost]) => ({ name, values: [cost.cpu], unit: 'CPU s', peakRssMb: cost.peakRssMb })),
    notes: [
      `all of the stack: ${cpu.toFixed(1)} CPU s, ${Math.round(peak)} MB if all peaks fell together`,
      'a Postgres: what its processes have for themselves, and what they share once',
    ],
  };
}
