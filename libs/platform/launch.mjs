// Starts a program of this project on a machine that has Node and nothing else: installs the packages when they are
// missing or older than the lock file, then runs it in this very process, so that signals reach it.
//   node libs/platform/launch.mjs <file.ts> [arguments]
//   node libs/platform/launch.mjs --tool <command of a package> [arguments]
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const [first, ...rest] = process.argv.slice(2);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Node ${process.versions.node} is too old: this project needs 20.11 or newer.`);
  process.exit(2);
}

const marker = path.join(root, 'node_modules/.package-lock.json');
const modified = (file) => statSync(file).mtimeMs;
if (!existsSync(marker) || modified(marker) < modified(path.join(root, 'package-lock.json'))) {
  console.error('Installing packages (once) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error('The packages could not be installed; npm says why above. Mend that and start again.');
    process.exit(2);
  }
}

if (first === '--tool') {
  const [tool, ...toolArguments] = rest;
  const bin = path.join(root, 'node_modules/.bin', tool);
  const { status, signal } = spawnSync(bin, toolArguments, { cwd: root, stdio: 'inherit' });
  process.exit(signal === null ? (status ?? 1) : 1);
}

const file = path.resolve(root, first);
process.argv = [process.argv[0], file, ...rest];
const { register } = await import('tsx/esm/api');
register();
await import(pathToFileURL(file).href);
