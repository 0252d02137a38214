import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
/** Every command of package.json that runs a program of ours, with its file. */
const commands = Object.entries(scripts).flatMap(([name, line]) => {
  const file = /launch\.mjs (\S+\.ts)$/.exec(line)?.[1];
  return file === undefined ? [] : [[name, file] as const];
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(file: string, argument: string): Promise<Ended> {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', file, argument], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    told.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    told.err += String(chunk);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...told })));
}

test('there are commands', () => {
  expect(commands.length).toBeGreaterThan(15);
});

test.each(commands)('%s explains itself, and refuses what it does not know', async (name, file) => {
  const call = name === 'start' ? 'npm start' : `npm run ${name}`;
  const [help, strange] = await Promise.all([run(file, '--help'), run(file, '--no-such-option')]);
  expect(help).toMatchObject({ code: 0, err: '', out: expect.stringContaining(call) });
  expect(strange).toMatchObject({ code: 2, out: '' });
  expect(strange.err).toContain('--no-such-option');
  expect(strange.err).toContain(`${call} -- --help shows what is possible`);
});
