import { writeFileSync } from 'node:fs';
import { messageOf } from '#libs/domain/errors.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { type BenchmarkResult, printResult } from './report.ts';

/** What a benchmark program is asked for. */
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
  readonly usage: string;
  readonly letters: readonly string[];
  /** Besides --size and --json. */
  readonly options?: readonly string[];
  run(asked: Asked): Promise<readonly BenchmarkResult[]>;
}

/** A benchmark program: reads its arguments, runs, prints each result as it comes. @returns its exit code */
export async function runCommand(command: BenchCommand): Promise<number> {
  let read: ReturnType<typeof parse>;
  try {
    read = parse(process.argv.slice(2), command);
  } catch (error) {
    process.stderr.write(`not understood: ${messageOf(error)}\n\n${command.usage}`);
    return 2;
  }
  const stopping = new AbortController();
  onSignals(() => stopping.abort());
  const { json, ...asked } = read;
  const results = await command.run({
    ...asked,
    signal: stopping.signal,
    onStart: (letter) => process.stdout.write(`(${letter}) …\n`),
    onResult: (result) => process.stdout.write(`${printResult(result)}\n`),
  });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  return stopping.signal.aborted ? 130 : 0;
}

/** @throws RangeError naming the word that is not understood */
function parse(
  given: readonly string[],
  { letters: known, options: further = [] }: BenchCommand,
): Pick<Asked, 'letters' | 'size' | 'profile'> & { json?: string } {
  const options = new Map<string, string>();
  const letters: string[] = [];
  for (let at = 0; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (known.includes(word)) letters.push(word);
    else if (['--size', '--json', ...further].includes(word) && given[at + 1] !== undefined) {
      at += 1;
      options.set(word.slice(2), given[at] ?? '');
    } else throw new RangeError(word);
  }
  const size = options.get('size') ?? 'small';
  if (size !== 'small' && size !== 'full') throw new RangeError(`--size ${size}`);
  const [json, profile] = [options.get('json'), options.get('profile')];
  return { letters, size, ...(json === undefined ? {} : { json }), ...(profile === undefined ? {} : { profile }) };
}
