import { expect, test } from 'vitest';
import { expectFigures } from '../figures.ts';
import { type BenchmarkResult, printResult } from '../report.ts';
import { VARIANTS } from './streams.ts';
import { LETTERS, runPeersSuite } from './suite.ts';

/** The smallest scale at which every kind of row occurs. */
const TINY = 1 / 500;

const wrongOf = ({ runs }: BenchmarkResult, name: string): number =>
  Number(runs.find((run) => run.name.startsWith(`${name}: `))?.name.match(/: (\d+) of \d+ rows wrong$/)?.[1]);

test('the product and the careful peers are right, those that count rows are not, and each has its figures', async () => {
  const results = await runPeersSuite({ letters: [], scale: TINY });
  expect(results.map(({ letter }) => letter)).toEqual(LETTERS);
  const [everything, changes, steady] = results as [BenchmarkResult, BenchmarkResult, BenchmarkResult];
  for (const result of [everything, changes]) {
    const text = printResult(result);
    for (const right of ['the product', 'DuckDB', 'Kafka Streams']) expect(wrongOf(result, right), text).toBe(0);
    for (const plain of ['DuckDB, counting rows', 'Kafka Streams, counting rows'])
      expect(wrongOf(result, plain), text).toBeGreaterThan(0);
    // The product, both passes, the jobs, and the pump.
    expect(result.runs, text).toHaveLength(3 + VARIANTS.length + 1);
    expectFigures(result, text);
    for (const { peakRssMb = 0 } of result.runs) expect(peakRssMb, text).toBeGreaterThan(1);
  }
  // Until there are changes, no row has gone.
  expect(wrongOf(everything, 'Kafka Streams, no old rows')).toBe(0);
  expect(wrongOf(changes, 'Kafka Streams, no old rows')).toBeGreaterThan(0);
  expect(
    steady.notes.filter((note) => note.endsWith(' 0 never seen')),
    printResult(steady),
  ).toHaveLength(3);
  expectFigures(steady, printResult(steady));
}, 600_000);
