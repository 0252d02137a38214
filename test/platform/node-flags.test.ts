import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_FLAGS, nodeFlagsOf } from '#libs/platform/node-flags.ts';
import { PROGRAMS } from '../../services/sandbox/stack/programs.ts';
import { nodeArguments } from '../../services/sandbox/stack/specs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The most that V8 gives to what was made last, MB, as Node with these flags says it. */
function youngestMb(flags: readonly string[]): number {
  const code = `
    let kept = [];
    for (let n = 0; n < 3e6; n += 1) { kept.push([n]); if (kept.length > 3e5) kept = []; }
    const space = require('node:v8').getHeapSpaceStatistics().find((each) => each.space_name === 'new_space');
    process.stdout.write(String(space.space_size / 2 ** 20));`;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', code], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return Number(stdout);
}

test('this Node understands the flags, and they do what they are for: two halves of 32 MB', () => {
  expect(youngestMb(NODE_FLAGS)).toBe(64);
});

describe('every way of starting a program has its flags', () => {
  const launched = Object.entries(scripts).filter(([, line]) => /launch\.mjs \S+\.ts/.test(line));

  test.each(launched)('npm run %s', (_, line) => {
    const [, flags = '', program = ''] = /node ((?:--\S+ )*)libs\/platform\/launch\.mjs (\S+)/.exec(line) ?? [];
    expect(existsSync(path.join(ROOT, program))).toBe(true);
    expect(flags.split(' ').filter((flag) => flag !== '')).toEqual([...nodeFlagsOf(program)]);
  });

  test.each(PROGRAMS.map((program) => [program.name, program] as const))('%s on the stack', (_, program) => {
    const [file = ''] = program.args;
    expect(existsSync(path.join(ROOT, file))).toBe(true);
    expect(nodeArguments(program)).toEqual([...nodeFlagsOf(file), 'libs/platform/launch.mjs', ...program.args]);
  });

  test('those that derive or compare have some, and no others', () => {
    const flagged = PROGRAMS.filter(({ args: [file = ''] }) => nodeFlagsOf(file).length > 0);
    expect(flagged.map(({ name }) => name)).toEqual(['engagement', 'performance', 'anomaly', 'reconcile']);
    expect(nodeFlagsOf('services/sandbox/local/main.ts')).toEqual(NODE_FLAGS);
  });
});
