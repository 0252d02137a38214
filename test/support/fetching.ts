import type { FetchProgress } from '../../services/sandbox/stack/parts/index.ts';

let shown = '';

/** Says on standard error how far the parts are fetched, a line for each tenth. */
export function tellFetching({ step, done, total }: FetchProgress): void {
  const text = step === 'fetching' ? `fetching the parts: ${10 * Math.floor((10 * done) / total)} %` : `parts: ${step}`;
  if (text !== shown) process.stderr.write(`${text}\n`);
  shown = text;
}
