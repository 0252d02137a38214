import type { FetchProgress } from '../../services/sandbox/stack/parts/index.ts';

let shown = '';

/** Reports the fetching of the parts on standard error, one line for each tenth. */
export function tellFetching({ step, done, total }: FetchProgress): void {
  const text = step === 'fetching' ? `fetching the parts: ${10 * Math.floor((10 * done) / total)} %` : `parts: ${step}`;
  if (text !== shown) process.stderr.write(`${text}\n`);
  shown = text;
}
