import { writeFileSync } from 'node:fs';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { printResult } from './report.ts';
import { LETTERS, runSuite } from './suite.ts';

const USAGE = `npm run bench -- [letters] [--size small|full] [--json file] [--profile folder]

Measures the product against what the same machine does without it, in one run: ratios, never bare times.
  letters    which benchmarks, of ${LETTERS.join(' ')}; all without
  --size     small (a fiftieth, the default) or full
  --json     writes the results to a file as well
  --profile  writes CPU profiles of the product (a b d e), and what the servers were at, into a folder, which costs a little
`;

const SCALES: Readonly<Record<string, number>> = { small: 1 / 50, full: 1 };

function parse(given: readonly string[]): { letters: string[]; scale: number; json?: string; profile?: string } {
  const options = new Map<string, string>();
  const letters: string[] = [];
  for (let at = 0; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (LETTERS.includes(word)) letters.push(word);
    else if (['--size', '--json', '--profile'].includes(word) && given[at + 1] !== undefined) {
      at += 1;
      options.set(word.slice(2), given[at] ?? '');
    } else throw new RangeError(word);
  }
  const scale = SCALES[options.get('size') ?? 'small'];
  if (scale === undefined) throw new RangeError(`--size ${options.get('size')}`);
  const [json, profile] = [options.get('json'), options.get('profile')];
  return { letters, scale, ...(json === undefined ? {} : { json }), ...(profile === undefined ? {} : { profile }) };
}

async function main(): Promise<number> {
  let asked: ReturnType<typeof parse>;
  try {
    asked = parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`not understood: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  const stopping = new AbortController();
  onSignals(() => stopping.abort());
  const results = await runSuite({
    ...asked,
    signal: stopping.signal,
    onStart: (letter) => process.stdout.write(`(${letter}) …\n`),
    onResult: (result) => process.stdout.write(`${printResult(result)}\n`),
  });
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(results, null, 2)}\n`);
  return stopping.signal.aborted ? 130 : 0;
}

process.exit(await main());
