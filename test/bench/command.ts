import { writeFileSync } from 'node:fs';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { runProgram } from '#libs/platform/program.ts';
import { type BenchmarkResult, printResult } from './report.ts';

/** What a benchmark program was asked to do. */
export interface Asked {
  /** None: all. */
  readonly letters: readonly string[];
  readonly size: 'small' | 'full';
  /** Folder for profiles. */
  readonly profile?: string;
  readonly signal: AbortSignal;
  readonly onStart: (letter: string) => void;
  readonly onResult: (result: BenchmarkResult) => void;
}

export interface BenchCommand {
  readonly name: string;
  readonly usage: string;
  readonly letters: readonly string[];
  run(asked: Asked): Promise<readonly BenchmarkResult[]>;
}

const OPTIONS = { size: { type: 'string' }, json: { type: 'string' }, profile: { type: 'string' } } as const;

/** Runs a benchmark program, printing each result as it comes. Never returns. */
export const runBenchProgram = (command: BenchCommand): Promise<never> =>
  runProgram(
    { name: command.name, usage: command.usage, options: OPTIONS, allowPositionals: true },
    async ({ values: { json, size = 'small', profile }, words: letters }) => {
      const strange = letters.find((letter) => !command.letters.includes(letter));
      if (strange !== undefined) throw misunderstood(command, strange);
      if (size !== 'small' && size !== 'full') throw misunderstood(command, `--size ${size}`);
      const stopping = new AbortController();
      onSignals(() => stopping.abort());
      const results = await command.run({
        letters,
        size,
        ...(profile === undefined ? {} : { profile }),
        signal: stopping.signal,
        onStart: (letter) => process.stdout.write(`(${letter}) …\n`),
        onResult: (result) => process.stdout.write(`${printResult(result)}\n`),
      });
      if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
      return stopping.signal.aborted ? 130 : 0;
    },
  );

const misunderstood = ({ name }: BenchCommand, word: string): ConfigurationError =>
  new ConfigurationError(`"${word}" is not understood`, `npm run ${name} -- --help shows what is possible`);
