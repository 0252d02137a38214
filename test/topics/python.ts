import path from 'node:path';
import { runPython } from '../support/python.ts';

const here = (name: string): string => path.join(import.meta.dirname, name);

/** What test/topics/consumer.py reads of a topic, a row per line. */
export async function readWithPython(brokers: string, registry: string, topic: string): Promise<object[]> {
  const program = [here('consumer.py'), brokers, registry, topic];
  const lines = (await runPython(here('requirements.txt'), program, { timeout: 120_000 }))
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as object);
}
