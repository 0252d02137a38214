import { fetchParts } from '../../../services/sandbox/stack/parts/index.ts';
import { tellFetching } from '../../support/fetching.ts';
import { runBenchProgram } from '../command.ts';
import { LETTERS, runStackSuite } from './suite.ts';

const USAGE = `npm run bench:stack -- [letters] [--size small|full] [--json file]

Measures the way over Debezium, Kafka, the roles, the API and the feature topics, on a stack of its own, beside Debezium alone.
  letters  which benchmarks, of ${LETTERS.join(' ')}; all without
  --size   small (the default) or full
  --json   writes the results to a file as well
It needs Java 17 or newer, Linux and, the first time, Maven and the network.
`;

await runBenchProgram({
  name: 'bench:stack',
  usage: USAGE,
  letters: LETTERS,
  run: async (asked) => {
    await fetchParts({ onProgress: tellFetching });
    return runStackSuite(asked);
  },
});
