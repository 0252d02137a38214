import { runProgram } from '#libs/platform/program.ts';
import { type FetchProgress, fetchParts } from './fetch.ts';
import { trainParts } from './training.ts';

const CALL = 'node libs/platform/launch.mjs services/sandbox/stack/parts/main.ts';

/*
 * Fetches the parts of the stack and makes their class archives, for CI or a machine that will later run without a network.
 */
let shown = '';

function show({ step, done, total }: FetchProgress): void {
  const text = step === 'fetching' ? `fetching: ${Math.floor((10 * done) / total) * 10} %` : step;
  if (text !== shown) process.stderr.write(`${text}\n`);
  shown = text;
}

await runProgram(
  { name: 'parts', call: CALL, usage: `${CALL}   fetches the parts of the stack, and has them start sooner\n` },
  async () => {
    const folder = await fetchParts({ onProgress: show });
    await trainParts(folder);
    process.stdout.write(`${folder}\n`);
    return 0;
  },
);
