import { runProgram } from '#libs/platform/program.ts';
import { type FetchProgress, fetchParts } from './fetch.ts';

const CALL = 'node libs/platform/launch.mjs services/sandbox/stack/parts/main.ts';

/*
 * Fetches the parts of the stack and nothing else, for a machine that is to run without network later, or for CI.
 */
let shown = '';

function show({ step, done, total }: FetchProgress): void {
  const text = step === 'fetching' ? `fetching: ${Math.floor((10 * done) / total) * 10} %` : step;
  if (text !== shown) process.stderr.write(`${text}\n`);
  shown = text;
}

await runProgram(
  { name: 'parts', call: CALL, usage: `${CALL}   fetches the parts of the stack, and nothing else\n` },
  async () => {
    process.stdout.write(`${await fetchParts({ onProgress: show })}\n`);
    return 0;
  },
);
