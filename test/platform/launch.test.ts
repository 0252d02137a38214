import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';

/* The launcher in a project of its own, with an npm that only notes that it was called. */

const ROOT = path.resolve(import.meta.dirname, '../..');
const LOCK = { packages: { '': { name: 'x' }, 'node_modules/a': { version: '1.0.0' } } };

let folder: string;
const at = (...parts: string[]): string => path.join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-launch-'));
  mkdirSync(at('libs/platform'), { recursive: true });
  cpSync(path.join(ROOT, 'libs/platform/launch.mjs'), at('libs/platform/launch.mjs'));
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
  // In place of tsx, which the program here, plain JavaScript, does not need.
  writeFileSync(path.join(modules, 'tsx/package.json'), JSON.stringify({ exports: { './esm/api': './esm/api.mjs' } }));
  writeFileSync(path.join(modules, 'tsx/esm/api.mjs'), 'export const register = () => {};');
}

async function launch(...args: string[]): Promise<{ code: number | null; told: string }> {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'program.mjs', ...args], {
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

test('a program is told to stop when the npm that started it is', async () => {
  install(at('node_modules'), { 'node_modules/a': { version: '1.0.0' } });
  writeFileSync(
    at('program.mjs'),
    `import { writeFileSync } from 'node:fs';
     process.once('SIGTERM', () => { writeFileSync('stopped', ''); process.exit(0); });
     writeFileSync('running', '');
     setTimeout(() => {}, 60_000);`,
  );
  const npm: ChildProcess = spawn('npm', ['run', 'begin'], { cwd: folder, stdio: 'ignore' });
  const until = async (file: string): Promise<void> => {
    for (let tries = 0; !existsSync(at(file)) && tries < 600; tries += 1) await sleep(50);
    expect(existsSync(at(file)), file).toBe(true);
  };
  await until('running');
  npm.kill('SIGTERM');
  await until('stopped');
});
