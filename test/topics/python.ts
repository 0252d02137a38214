import path from 'node:path';
import type { Cluster } from '../support/cluster.ts';
import { runPython } from '../support/python.ts';

const here = (name: string): string => path.join(import.meta.dirname, name);

/** What test/topics/consumer.py reads of a topic, a row per line. */
export async function readWithPython({ env }: Cluster, topic: string): Promise<object[]> {
  const lines = (await runPython(here('requirements.txt'), [here('consumer.py'), topic], { timeout: 120_000, env }))
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as object);
}
