import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/* The launcher in a project of its own, with an npm that only records that it was called. */

const ROOT = path.resolve(import.meta.dirname, '../..');
const LOCK = { packages: { '': { name: 'x' }, 'node_modules/a': { version: '1.0.0' } } };

interface Ended {
  readonly code: number | null;
  readonly told: string;
}

let folder: string;
const at = (...parts: string[]): string => path.join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-launch-'));
  mkdirSync(at('libs/platform'), { recursive: true });
  for (const name of ['launch.mjs', 'bundle.mjs'])
    cpSync(path.join(ROOT, 'libs/platform', name), at('libs/platform', name));
  writeFileSync(
    at('package.json'),
    JSON.stringify({ type: 'module', scripts: { begin: `${process.execPath} libs/platform/launch.mjs program.mjs` } }),
  );
  writeFileSync(at('package-lock.json'), JSON.stringify(LOCK));
  writeFileSync(at('program.mjs'), "console.log('runs', process.argv.slice(2).join(' '));");
  mkdirSync(at('bin'));
  writeFileSync(at('bin/npm'), `#!/bin/sh\necho "$@" >> ${at('calls')}\n`, { mode: 0o755 });
  mkdirSync(at('tsx'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(modules: string, packages: object): void {
  mkdirSync(path.join(modules, 'tsx/esm'), { recursive: true });
  mkdirSync(path.join(modules, 'a'), { recursive: true });
  writeFileSync(path.join(modules, '.package-lock.json'), JSON.stringify({ packages }));
  // Replaces tsx, which this plain JavaScript program does not need.
  writeFileSync(path.join(modules, 'tsx/package.json'), JSON.stringify({ exports: { './esm/api': './esm/api.mjs' } }));
  writeFileSync(path.join(modules, 'tsx/esm/api.mjs'), 'export const register = () => {};');
}

const launch = (...args: string[]): Promise<Ended> => launchFile('program.mjs', ...args);

async function launchFile(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', ...args], {
    cwd: folder,
    env: { PATH: `${at('bin')}:${process.env['PATH']}` },
  });
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      told += String(chunk);
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, told };
}

test('what the lock file names is not installed again, whatever the dates of the files', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
  writeFileSync(at('package-lock.json'), JSON.stringify(LOCK));
  expect(await launch('--now')).toEqual({ code: 0, told: 'runs --now\n' });
  expect(existsSync(at('calls'))).toBe(false);
});

test('another version is installed first', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '0.9.0' } });
  expect(await launch()).toMatchObject({ code: 0, told: expect.stringContaining('Installing packages') });
  expect(readFileSync(at('calls'), 'utf8')).toContain('ci');
});

test('what an installation that was cut short left out is installed', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
  rmSync(at('node_modules/a'), { recursive: true });
  expect(await launch()).toMatchObject({ code: 0, told: expect.stringContaining('Installing packages') });
});

test('nothing is installed through a link', async () => {
  install(at('elsewhere'), { 'node_modules/a': { version: '0.9.0' } });
  symlinkSync(at('elsewhere'), at('node_modules'));
  const { code, told } = await launch();
  expect(code).toBe(2);
  expect(told).toContain('node_modules is a link to');
  expect(existsSync(at('calls'))).toBe(false);
});

describe('a program in TypeScript', () => {
  const greeting = (word: string): void =>
    writeFileSync(at('greeting.ts'), `export const greeting: string = '${word}';`);
  const runs = (word: string): Ended => ({ code: 0, told: `${word} from ${folder} as ${at('program.ts')}\n` });

  beforeEach(() => {
    install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
    // The real ones.
    for (const name of ['esbuild', 'tsx']) {
      rmSync(at('node_modules', name), { recursive: true, force: true });
      symlinkSync(path.join(ROOT, 'node_modules', name), at('node_modules', name));
    }
    writeFileSync(
      at('program.ts'),
      `import { greeting } from './greeting.ts';
       import { dirname } from 'node:path';
       interface Never {}
       if (greeting === 'fall') throw new Error('fallen');
       if (import.meta.dirname !== dirname(new URL(import.meta.url).pathname)) throw new Error('is at two places');
       console.log(greeting satisfies string, 'from', import.meta.dirname, 'as', process.argv[1]);`,
    );
    greeting('hello');
  });

  test('is run as it is at that moment, also when a module of it alone has changed', async () => {
    for (const word of ['hello', 'hello', 'howdy', 'fare well', 'hello']) {
      greeting(word);
      expect(await launchFile('program.ts')).toEqual(runs(word));
    }
  });

  test('knows where it lies after the project was moved', async () => {
    expect(await launchFile('program.ts')).toEqual(runs('hello'));
    const before = folder;
    folder = `${folder}-moved`;
    renameSync(before, folder);
    expect(await launchFile('program.ts')).toEqual(runs('hello'));
  });

  test('falls over at the line where it does', async () => {
    greeting('fall');
    const { code, told } = await launchFile('program.ts');
    expect(code).toBe(1);
    expect(told).toMatch(/Error: fallen\n +at .*program\.ts:4:/);
  });

  test('does not need a place where what was made of it is kept', async () => {
    writeFileSync(at('.cache'), 'nobody can make a folder here');
    expect(await launchFile('program.ts')).toEqual(runs('hello'));
  });
});

describe('a program that npm started', () => {
  const until = async (file: string): Promise<void> => {
    for (let tries = 0; !existsSync(at(file)) && tries < 600; tries += 1) await sleep(50);
    expect(existsSync(at(file)), file).toBe(true);
  };
  /** In a process group of its own, as under a shell, systemd or a terminal. */
  async function begin(onSignal: string): Promise<ChildProcess> {
    install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
    writeFileSync(
      at('program.mjs'),
      `import { writeFileSync } from 'node:fs';
       ${onSignal}
       writeFileSync('running', String(process.pid));
       setTimeout(() => {}, 60_000);`,
    );
    const npm = spawn('npm', ['run', 'begin'], { cwd: folder, stdio: 'ignore', detached: true });
    await until('running');
    return npm;
  }
  const stopsOnce = `let seen = false;
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {
      if (seen) process.exit(1);
      seen = true;
      setTimeout(() => { writeFileSync('stopped', ''); process.exit(0); }, 1_500);
    });`;

  test('is told to stop when npm is', async () => {
    (await begin(stopsOnce)).kill('SIGTERM');
    await until('stopped');
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('is told once where all of them are told by %s', async (name) => {
    const { pid = 0 } = await begin(stopsOnce);
    process.kill(-pid, name);
    await until('stopped');
  });

  test('ends at once where it says nothing of signals', async () => {
    const { pid = 0 } = await begin('');
    const program = Number(readFileSync(at('running'), 'utf8'));
    process.kill(-pid, 'SIGTERM');
    const isGone = (): boolean => {
      try {
        return process.kill(program, 0) && false;
      } catch {
        return true;
      }
    };
    for (let tries = 0; !isGone() && tries < 100; tries += 1) await sleep(50);
    expect(isGone()).toBe(true);
  });
});
