import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { PLANTED_BUGS, type PlantedBug } from './bugs.ts';

const USAGE = `Shows that the suite can fail: puts each planted bug into a copy of the project and runs the tests that must catch it.

  npm run test:planted                        every bug
  npm run test:planted -- <part of a name> …  these
`;

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Copies all files of the working tree that Git does not ignore. */
function copyProject(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'prepadata-planted-'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of listed.split('\n').filter((name) => name !== '' && existsSync(path.join(ROOT, name)))) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(copy, file));
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

/** Puts the bug in. @returns a function that takes it out again */
function plant(copy: string, bug: PlantedBug): () => void {
  const originals = new Map<string, string>();
  for (const { file, from, to } of [bug, ...(bug.also ?? [])]) {
    const target = path.join(copy, file);
    const text = readFileSync(target, 'utf8');
    if (!originals.has(target)) originals.set(target, text);
    if (text.split(from).length !== 2)
      throw new Error(`"${bug.name}" does not fit any more: ${file} does not hold exactly once:\n${from}`);
    writeFileSync(
      target,
      text.replace(from, () => to),
    );
  }
  return () => {
    for (const [target, text] of originals) writeFileSync(target, text);
  };
}

interface Report {
  readonly numFailedTests: number;
  readonly numPassedTests: number;
}

/** Runs the tests in the copy. A run that could not even load its tests counts as neither passed nor failed. */
function runTests(copy: string, tests: readonly string[]): Report {
  // Where the JSON reporter of vitest.config.ts writes.
  const output = path.join(copy, '.test-reports/node.json');
  rmSync(output, { force: true });
  const { error } = spawnSync(path.join(copy, 'node_modules/.bin/vitest'), ['run', ...tests, '--bail', '1'], {
    cwd: copy,
    stdio: 'ignore',
    env: { ...process.env, PROPERTY_RUNS: process.env['PLANTED_RUNS'] ?? '80', PROPERTY_SHRINK: 'no' },
  });
  if (error !== undefined) throw error;
  if (!existsSync(output)) return { numFailedTests: 0, numPassedTests: 0 };
  return JSON.parse(readFileSync(output, 'utf8')) as Report;
}

async function main({ words: wanted }: Typed<Record<never, never>>): Promise<number> {
  const bugs = PLANTED_BUGS.filter((bug) => wanted.length === 0 || wanted.some((part) => bug.name.includes(part)));
  const copy = copyProject();
  let caught = 0;
  try {
    const clean = runTests(copy, [...new Set(bugs.flatMap((bug) => bug.tests))]);
    if (clean.numFailedTests > 0 || clean.numPassedTests === 0) {
      throw new Error(
        `without any bug ${clean.numFailedTests} tests fail and ${clean.numPassedTests} pass: repair that first`,
      );
    }
    for (const bug of bugs) {
      const remove = plant(copy, bug);
      const { numFailedTests } = runTests(copy, bug.tests);
      remove();
      if (numFailedTests > 0) caught += 1;
      console.log(
        `${numFailedTests > 0 ? 'caught' : 'MISSED'}  ${bug.name}${numFailedTests > 0 ? ` (${numFailedTests} red)` : ''}`,
      );
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  // In the form of the runner's own reports, so that all results can be summed.
  mkdirSync(path.join(ROOT, '.test-reports'), { recursive: true });
  const report = { numPassedTests: caught, numFailedTests: bugs.length - caught, numPendingTests: 0 };
  writeFileSync(path.join(ROOT, '.test-reports/planted.json'), JSON.stringify(report));
  console.log(`\n${caught} of ${bugs.length} planted bugs caught`);
  return caught === bugs.length ? 0 : 1;
}

await runProgram({ name: 'test:planted', usage: USAGE, allowPositionals: true }, main);
