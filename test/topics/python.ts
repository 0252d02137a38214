import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = (name: string): string => path.join(import.meta.dirname, name);
const REQUIREMENTS = here('requirements.txt');

/** The packages of requirements.txt in an ignored folder of their own, installed unless they are there. */
async function packages(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = path.join(import.meta.dirname, '../../.stack', `python-${hash}`);
  const done = path.join(folder, 'complete');
  if (existsSync(done)) return folder;
  const options = ['--quiet', '--disable-pip-version-check', '--upgrade', '--only-binary', ':all:', '--target', folder];
  await run('python3', ['-m', 'pip', 'install', ...options, '-r', REQUIREMENTS]);
  writeFileSync(done, '');
  return folder;
}

/** What test/topics/consumer.py reads of a topic, a row per line. */
export async function readWithPython(brokers: string, registry: string, topic: string): Promise<object[]> {
  const env = { ...process.env, PYTHONPATH: await packages(), PYTHONDONTWRITEBYTECODE: '1' };
  const options = { env, maxBuffer: 256 * 1024 * 1024, timeout: 120_000 };
  const { stdout } = await run('python3', [here('consumer.py'), brokers, registry, topic], options);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as object);
}
