import { type Tally, totalsOf, type Verdict } from '#libs/domain/run.ts';
import { forTerminal } from '#libs/domain/text.ts';
import type { PipelineRun } from '#libs/store/runs/runs.ts';

const COLUMNS = ['equal', 'mismatched', 'missing', 'extra', 'repaired'] as const;

const number = (value: number): string => value.toLocaleString('en');

/** The outcome of a run, for people: one line, and its verdict as a table. */
export function describeRun(run: PipelineRun): string {
  const seconds =
    run.startedAt === null || run.finishedAt === null ? 0 : (run.finishedAt.getTime() - run.startedAt.getTime()) / 1000;
  const what = `${run.mode}${run.dryRun ? ', dry run' : ''}: ${run.status} after ${seconds.toFixed(1)} s`;
  const why = run.reason === null ? '' : `: ${run.reason}`;
  const head = `run ${run.runId}, ${what}${why}\n`;
  return forTerminal(run.verdict === null ? head : `${head}\n${describeVerdict(run.verdict)}`);
}

function describeVerdict(verdict: Verdict): string {
  const { equal, different, repaired, left } = totalsOf(verdict);
  const features = Object.entries(verdict.features);
  const differing = features.filter(([, tally]) => tally.mismatched + tally.missing + tally.extra > 0);
  const same = features.length - differing.length;
  const blocks = [
    table('rows', Object.entries(verdict.tables)),
    differing.length === 0 ? '' : table('features', differing),
    same === 0
      ? ''
      : `${number(same)} ${differing.length === 0 ? '' : 'other '}${same === 1 ? 'feature is' : 'features are'} equal in every row.\n`,
    Object.keys(verdict.kinds).length === 0 ? '' : `${kindsOf(verdict)}\n`,
    verdict.examples.map(exampleOf).join(''),
    verdict.skipped === 0 ? '' : `${number(verdict.skipped)} left out, since they changed while they were compared.\n`,
    different === 0
      ? `All ${number(equal)} are equal.\n`
      : `${number(different)} differ: ${number(repaired)} repaired, ${number(left)} left.\n`,
  ];
  return blocks.filter((block) => block !== '').join('\n');
}

function table(title: string, tallies: readonly (readonly [string, Tally])[]): string {
  const rows = [
    [title, ...COLUMNS],
    ...tallies.map(([name, tally]) => [name, ...COLUMNS.map((c) => number(tally[c]))]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : `  ${cell.padStart(widths[column] ?? 0)}`,
        )
        .join(''),
    )
    .map((line) => `${line}\n`)
    .join('');
}

const kindsOf = ({ kinds }: Verdict): string =>
  Object.entries(kinds)
    .map(([kind, count]) => `${kind}: ${number(count)}`)
    .join(' · ');

const exampleOf = ({ where, kind, key, expected, found, repaired }: Verdict['examples'][number]): string =>
  `  ${where} ${key}: ${kind}, ${found ?? 'nothing'} instead of ${expected ?? 'nothing'}${repaired ? ' (repaired)' : ''}\n`;
