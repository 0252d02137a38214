import { runBenchProgram } from './command.ts';
import { LETTERS, runSuite } from './suite.ts';

const USAGE = `npm run bench -- [letters] [--size small|full] [--json file] [--profile folder]

Measures the product against what the same machine does without it, in one run: ratios, never bare times.
  letters    which benchmarks, of ${LETTERS.join(' ')}; all without
  --size     small (a fiftieth, the default) or full
  --json     writes the results to a file as well
  --profile  writes CPU profiles of the product (a b d e), and what the servers were at, into a folder, which costs a little
`;

const SCALES = { small: 1 / 50, full: 1 };

await runBenchProgram({
  name: 'bench',
  usage: USAGE,
  letters: LETTERS,
  run: ({ size, ...asked }) => runSuite({ ...asked, scale: SCALES[size] }),
});
