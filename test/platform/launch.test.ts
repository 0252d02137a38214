import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
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
const launchFile = (...args: string[]): Promise<Ended> =>
  launchIn({ PATH: `${at('bin')}:${process.env['PATH']}` }, ...args);

async function launchIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', ...(args.length > 0 ? args : ['program.mjs'])], {
    cwd: folder,
    env,
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
  // Also those of the pages and the servers, whatever the environment leaves out.
  expect(readFileSync(at('calls'), 'utf8')).toMatch(/^ci .*--include=dev --include=optional$/m);
});

test('a note of what is installed that a crash has emptied counts for nothing', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
  writeFileSync(at('node_modules/.package-lock.json'), '');
  expect(await launch()).toMatchObject({ code: 0, told: expect.stringContaining('Installing packages') });
});

test('a tool that is not there is named, as is an npm', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
  expect(await launchFile('--tool', 'vitest')).toEqual({
    code: 1,
    told: expect.stringContaining('vitest cannot be run: '),
  });
  rmSync(at('node_modules'), { recursive: true });
  chmodSync(at('bin/npm'), 0o644);
  expect(await launchIn({ PATH: at('bin') })).toMatchObject({ code: 2, told: expect.stringContaining('PATH') });
});

test('what an installation that was cut short left out is installed', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
  rmSync(at('node_modules/a'), { recursive: true });
  expect(await launch()).toMatchObject({ code: 0, told: expect.stringContaining('Installing packages') });
});

test('of two that are started at once one installs, and a sign that a kill has left holds up nobody for long', async () => {
  const note = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } });
  const made = at('node_modules/a');
  writeFileSync(
    at('bin/npm'),
    `#!/bin/sh\necho "$@" >> ${at('calls')}\nsleep 2\nmkdir -p ${made}\necho '${note}' > ${at('node_modules/.package-lock.json')}\n`,
    { mode: 0o755 },
  );
  mkdirSync(at('.cache'));
  writeFileSync(at('.cache/installing'), '');
  utimesSync(at('.cache/installing'), new Date(0), new Date(0));
  const both = await Promise.all([launch(), sleep(500).then(() => launch())]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both[1]?.told).toBe('Another start installs the packages; waiting for it …\nruns \n');
  expect(readFileSync(at('calls'), 'utf8').trim().split('\n')).toHaveLength(1);
  expect(existsSync(at('.cache/installing'))).toBe(false);
});

test('where no sign can be set, npm is asked all the same', async () => {
  writeFileSync(at('.cache'), 'nobody can make a folder here');
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

  test('is run as it is where a new version bears the date of the old one', async () => {
    for (const word of ['hello', 'howdy']) {
      greeting(word);
      utimesSync(at('greeting.ts'), new Date(0), new Date(0));
      expect(await launchFile('program.ts')).toEqual(runs(word));
    }
  });

  test('is made anew where a crash has emptied the note of it, or what it names is gone', async ({ skip }) => {
    const readsTypeScript: unknown = Reflect.get(process.features, 'typescript');
    skip(Boolean(readsTypeScript), 'a Node that reads TypeScript itself has nothing made');
    await launchFile('program.ts');
    const folder = at('.cache', process.version);
    for (const harm of [
      (file: string) => writeFileSync(file, ''),
      (file: string) => rmSync(JSON.parse(readFileSync(file, 'utf8')).made),
    ]) {
      harm(path.join(folder, 'program.ts.json'));
      expect(await launchFile('program.ts')).toMatchObject({ code: 0 });
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
    expect(await launchIn({ TMPDIR: at('.cache') }, 'program.ts')).toEqual(runs('hello'));
  });

  test('runs where that place takes no file of this user', async () => {
    mkdirSync(at('.cache'));
    // Nobody can make files in it, not even root.
    symlinkSync('/proc', at('.cache', process.version));
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

  test('does not begin after an npm that was told to stop while packages were installed', async () => {
    writeFileSync(at('bin/npm'), `#!/bin/sh\ntouch ${at('installing')}\nexec sleep 3\n`, { mode: 0o755 });
    writeFileSync(at('program.mjs'), "import { writeFileSync } from 'node:fs'; writeFileSync('running', '');");
    const { scripts } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
    const begin = `PATH=${at('bin')}:$PATH ${scripts.begin}`;
    writeFileSync(at('package.json'), JSON.stringify({ type: 'module', scripts: { begin } }));
    const npm = spawn('npm', ['run', 'begin'], { cwd: folder, stdio: 'ignore', detached: true });
    await until('installing');
    npm.kill('SIGTERM');
    await sleep(4_500);
    expect(existsSync(at('running'))).toBe(false);
  });

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
