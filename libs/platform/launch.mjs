// Starts a program of this project on a machine that has Node and nothing else: installs the packages when they are
// missing or others than the lock file names, then runs it in this very process, so that signals reach it.
//   node libs/platform/launch.mjs <file.ts> [arguments]
//   node libs/platform/launch.mjs --tool <command of a package> [arguments]
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const modules = path.join(root, 'node_modules');
const [first, ...rest] = process.argv.slice(2);
const isTool = first === '--tool';
const WATCH_MS = 500;
/** For so long a signal may have been for all; an older one was another matter, as a SIGHUP that has tokens read anew. */
const JUST_TOLD_MS = 10_000;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Node ${process.versions.node} is too old: this project needs 20.11 or newer.`);
  process.exit(2);
}
if (!isInstalled()) install();

if (isTool) {
  const [tool, ...toolArguments] = rest;
  const bin = path.join(modules, '.bin', tool);
  const { status, signal } = spawnSync(bin, toolArguments, { cwd: root, stdio: 'inherit' });
  process.exit(signal === null ? (status ?? 1) : 1);
}

if (process.env.npm_lifecycle_event !== undefined) stopWithNpm();
// Read by the driver of Postgres as it is loaded; it would then look for a package that is none of ours.
delete process.env.NODE_PG_FORCE_NATIVE;
const file = path.resolve(root, first);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(await readable(file)).href);

/** What Node can run of a program: newer versions read TypeScript themselves, and keep what they made of it. */
async function readable(program) {
  module.enableCompileCache?.(path.join(root, '.cache'));
  if (process.features.typescript || !program.endsWith('.ts')) return program;
  try {
    return await (await import('./bundle.mjs')).bundle(root, program);
  } catch (error) {
    if (error.syscall === undefined) throw error;
    // Where nothing can be kept, every module is read by itself, each time.
    (await import('tsx/esm/api')).register();
    return program;
  }
}

/** Whether what is installed is what the lock file names; a program does without the packages of the tests. */
function isInstalled() {
  const note = path.join(modules, '.package-lock.json');
  if (!existsSync(note)) return false;
  const { packages: present } = JSON.parse(readFileSync(note, 'utf8'));
  const { packages: wanted } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(wanted).every(
    ([place, { version, optional, dev }]) =>
      place === '' ||
      (present[place] === undefined
        ? optional || (dev && !isTool)
        : // An installation that was cut short may have noted more than it has.
          present[place].version === version && existsSync(path.join(root, place))),
  );
}

function install() {
  // What lies behind a link is somebody else's: npm would empty it first.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      `node_modules is a link to ${readlinkSync(modules)}, which has other packages than package-lock.json names.\n` +
        'Install them there, or remove the link and start again.',
    );
    process.exit(2);
  }
  console.error('Installing packages (once) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error('The packages could not be installed; npm says why above. Mend that and start again.');
  process.exit(2);
}

/**
 * npm passes SIGTERM on to the shell between it and this process, and no further: who started us is gone then. Where all of
 * them were told, as by a terminal or systemd, a program that stops in its own time must not be told again: it would leave at once.
 */
function stopWithNpm() {
  const parent = process.ppid;
  let toldAt = Number.NEGATIVE_INFINITY;
  const note = (signal) => {
    toldAt = performance.now();
    if (process.listenerCount(signal) > 1) return;
    // The program leaves it to Node, which does nothing while somebody listens.
    process.off(signal, note);
    process.kill(process.pid, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, note);
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    if (performance.now() - toldAt > JUST_TOLD_MS) process.kill(process.pid, 'SIGTERM');
  }, WATCH_MS);
  watch.unref();
}
