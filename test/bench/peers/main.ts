import { ConfigurationError } from '#libs/domain/errors.ts';
import { fetchParts } from '../../../services/sandbox/stack/parts/index.ts';
import { tellFetching } from '../../support/fetching.ts';
import { runBenchProgram } from '../command.ts';
import { LETTERS, runPeersSuite } from './suite.ts';

const USAGE = `npm run bench:peers -- [letters] [--size small|full] [--json file]

Measures the product beside a pass of DuckDB and a job of Kafka Streams, on the same rows and over the same 17 columns: who is
right first, then what it costs.
  letters  which benchmarks, of ${LETTERS.join(' ')}; all without
  --size   small (a fiftieth, the default) or full
  --json   writes the results to a file as well
It needs a JDK 17 or newer, Maven, Linux and, the first time, the network.
`;

const SCALES = { small: 1 / 50, full: 1 };

await runBenchProgram({
  name: 'bench:peers',
  usage: USAGE,
  letters: LETTERS,
  run: async ({ size, ...asked }) => {
    await import('@duckdb/node-api').catch((cause: unknown) => {
      throw new ConfigurationError('DuckDB is not installed: this is a package that only tests need', 'npm ci', {
        cause,
      });
    });
    await fetchParts({ onProgress: tellFetching });
    return runPeersSuite({ ...asked, scale: SCALES[size] });
  },
});
