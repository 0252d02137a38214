import { expect, test } from 'vitest';
import { MEMBERS } from '../../services/sandbox/stack/programs.ts';
import { expectFigures } from './figures.ts';
import { type BenchmarkResult, isMet, printResult } from './report.ts';
import { LETTERS, runStackSuite } from './stack/suite.ts';

const RATES = [200, 1_000];
const WAYS = ['GET /api/metrics/student/{id}', 'feature topic'];

/** A run's figure, by the run's name. */
function figureOf({ runs }: BenchmarkResult, name: string): number {
  const found = runs.find((run) => run.name === name);
  expect(found, `${name} among ${runs.map((run) => run.name).join('; ')}`).toBeDefined();
  return found?.values[0] ?? Number.NaN;
}

test('the small run has every figure, and what it says of them follows from them', async () => {
  const results = await runStackSuite({ size: 'small', letters: [] });
  expect(results.map(({ letter }) => letter)).toEqual(LETTERS);
  for (const result of results) {
    const text = printResult(result);
    expect(result.runs.length, text).toBeGreaterThan(0);
    expectFigures(result, text);
    for (const verdict of result.verdicts)
      expect(text).toContain(`${verdict.aim} ${verdict.unit}: ${isMet(verdict) ? 'met' : 'NOT MET'};`);
  }
  const [alone, path, drain, processes] = results as [
    BenchmarkResult,
    BenchmarkResult,
    BenchmarkResult,
    BenchmarkResult,
  ];
  for (const rate of RATES) expect(figureOf(alone, `commit to decoded at ${rate} changes/s, p99`)).not.toBeNaN();
  expect(alone.notes.filter((note) => note.includes(' 0 never seen'))).toHaveLength(RATES.length);
  expect(path.notes.filter((note) => note.includes('on the topic: 0, 0, 0;'))).toHaveLength(RATES.length);
  expect(path.verdicts).toHaveLength(RATES.length * WAYS.length * 2);
  for (const rate of RATES)
    for (const way of WAYS)
      for (const [share, aim] of [[50, 5] as const, [99, 15] as const]) {
        const verdict = path.verdicts.find(
          ({ what }) => what === `commit to ${way} at ${rate}/s, p${share} beyond Debezium alone`,
        );
        const ours = figureOf(path, `${way} at ${rate}/s, p${share}`);
        const bare = figureOf(path, `Debezium alone at ${rate}/s, p${share}`);
        expect(verdict).toMatchObject({ got: ours - bare, aim, bound: 'at most' });
      }
  const [ratio] = drain.verdicts;
  const final = figureOf(drain, 'the roles, until all features are final');
  expect(ratio?.got).toBeCloseTo(final / figureOf(drain, 'Debezium fills the topics'), 6);
  expect(figureOf(drain, 'the roles, until all is staged')).toBeGreaterThanOrEqual(final);
  expect(final).toBeGreaterThanOrEqual(figureOf(drain, 'the roles, until the feature topics have them'));
  const names = processes.runs.map(({ name }) => name.replace(/^Postgres \((.*)\)$/, '$1'));
  // The campus does not run here, and the migration has ended.
  const lasting = MEMBERS.filter((name) => name !== 'campus' && name !== 'migrate');
  expect(names.toSorted()).toEqual([...lasting, 'the bench itself'].toSorted());
  for (const { peakRssMb = 0, name } of processes.runs) expect(peakRssMb, name).toBeGreaterThan(1);
}, 600_000);
