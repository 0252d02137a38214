// Starts a program of this project on a machine that has nothing but Node: installs the packages if they are missing or
// differ from the lock file, then runs the program in this very process, so that signals reach it.
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
/** A signal this recent may have gone to all processes; an older one meant something else, such as a SIGHUP to reread tokens. */
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
// The driver of Postgres reads it when it is loaded, and would then look for a package that we do not have.
delete process.env.NODE_PG_FORCE_NATIVE;
const file = path.resolve(root, first);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(await readable(file)).href);

/** The file of a program that Node can run: newer versions read TypeScript themselves, and cache what they compile. */
async function readable(program) {
  module.enableCompileCache?.(path.join(root, '.cache'));
  if (process.features.typescript || !program.endsWith('.ts')) return program;
  try {
    return await (await import('./bundle.mjs')).bundle(root, program);
  } catch (error) {
    if (error.syscall === undefined) throw error;
    // If nothing can be cached, every module is compiled by itself, each time.
    (await import('tsx/esm/api')).register();
    return program;
  }
}

/** Whether the installed packages are those of the lock file; a program does not need those of the tests. */
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
        : // An interrupted installation may have recorded more than it has.
          present[place].version === version && existsSync(path.join(root, place))),
  );
}

function install() {
  // The target of a link is not ours, and npm would empty it first.
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
 * npm passes SIGTERM on to the shell between it and this process, and no further; we notice that our parent is gone. If all
 * of them got the signal, as from a terminal or systemd, a program that is stopping must not get a second: it would exit at once.
 */
function stopWithNpm() {
  const parent = process.ppid;
  let toldAt = Number.NEGATIVE_INFINITY;
  const note = (signal) => {
    toldAt = performance.now();
    if (process.listenerCount(signal) > 1) return;
    // The program does not handle it; Node's default needs our listener to be gone.
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
