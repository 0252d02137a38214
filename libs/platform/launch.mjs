// Starts a program of this project on a machine that has nothing but Node: installs the packages if they are missing or
// differ from the lock file, then runs the program in this very process, so that signals reach it.
//   node libs/platform/launch.mjs <file.ts> [arguments]
//   node libs/platform/launch.mjs --tool <command of a package> [arguments]
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const modules = path.join(root, 'node_modules');
const [first, ...rest] = process.argv.slice(2);
const isTool = first === '--tool';
const startedBy = process.ppid;
const WATCH_MS = 500;
/** An installing process that has not renewed its sign for this long is gone. */
const GONE_MS = 10_000;
const ALL_KINDS = ['dev', 'optional'].map((kind) => `--include=${kind}`);
/** A signal this recent may have gone to all processes; an older one meant something else, such as a SIGHUP to reread tokens. */
const JUST_TOLD_MS = 10_000;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Node ${process.versions.node} is too old: this project needs 20.11 or newer.`);
  process.exit(2);
}
if (!isInstalled()) await inTurn(install);

if (isTool) {
  const [tool, ...toolArguments] = rest;
  const { code, error } = await run(path.join(modules, '.bin', tool), toolArguments, 'inherit');
  if (error !== undefined) console.error(`${tool} cannot be run: ${error.message}`);
  process.exit(code ?? 1);
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
    process.env.TSX_DISABLE_CACHE = '1';
    (await import('tsx/esm/api')).register();
    return program;
  }
}

/** Whether the installed packages are those of the lock file; a program does not need those of the tests. */
function isInstalled() {
  const note = path.join(modules, '.package-lock.json');
  if (!existsSync(note)) return false;
  const present = packagesIn(note);
  if (present === undefined) return false;
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

/** @returns undefined if a crash left the note empty or cut off */
function packagesIn(note) {
  try {
    return JSON.parse(readFileSync(note, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Two installs at once delete each other's files. The sign of a killed process is not renewed, and soon no longer counts. */
async function inTurn(work) {
  const sign = path.join(root, '.cache', 'installing');
  attempt(() => mkdirSync(path.dirname(sign), { recursive: true }));
  for (let told = false; !isTaken(sign); told = true) {
    if (isInstalled()) return;
    if (!told) console.error('Another start installs the packages; waiting for it …');
    await sleep(WATCH_MS);
  }
  const renewing = setInterval(() => attempt(() => writeFileSync(sign, '')), WATCH_MS);
  const release = () => attempt(() => rmSync(sign, { force: true }));
  process.once('exit', release);
  if (!isInstalled()) await work();
  clearInterval(renewing);
  process.off('exit', release);
  release();
}

/** Whether the sign is ours now, or cannot be set: npm says what is not allowed here. */
function isTaken(sign) {
  if (attempt(() => writeFileSync(sign, '', { flag: 'wx' }))?.code !== 'EEXIST') return true;
  const { mtimeMs = Date.now() } = statSync(sign, { throwIfNoEntry: false }) ?? {};
  if (Math.abs(Date.now() - mtimeMs) <= GONE_MS) return false;
  // Not ours to remove: npm says so, too.
  return attempt(() => rmSync(sign, { force: true })) !== undefined || isTaken(sign);
}

/** @returns the error, where it throws one */
function attempt(work) {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function install() {
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
  // All of them, whatever NODE_ENV=production or a setting of npm leaves out: the pages are built with some, Postgres is another.
  const { code, signal, error } = await run(npm, ['ci', '--no-audit', '--no-fund', ...ALL_KINDS], ['ignore', 2, 2]);
  if (code === 0) return;
  if (signal) process.exit(1);
  console.error(
    error === undefined
      ? 'The packages could not be installed; npm says why above. Mend that and start again.'
      : `The packages could not be installed: npm cannot be run (${error.message}). Put it into the PATH and start again.`,
  );
  process.exit(2);
}

/**
 * Runs a command to its end. A terminal sends Ctrl-C to it as well as to us; any other end of this process, or of npm above it, we
 * pass on: otherwise the command would go on, and so would the program after it.
 */
function run(command, args, stdio) {
  const child = spawn(command, args, { cwd: root, stdio });
  const end = () => child.kill('SIGTERM');
  const wait = () => {};
  process.on('SIGTERM', end).on('SIGINT', wait).on('SIGHUP', wait);
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && process.ppid !== startedBy) end();
  }, WATCH_MS);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    clearInterval(watch);
    process.off('SIGTERM', end).off('SIGINT', wait).off('SIGHUP', wait);
  });
}

/**
 * npm passes SIGTERM on to the shell between it and this process, and no further; we notice that our parent is gone. If all
 * of them got the signal, as from a terminal or systemd, a program that is stopping must not get a second: it would exit at once.
 */
function stopWithNpm() {
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
    if (process.ppid === startedBy) return;
    clearInterval(watch);
    if (performance.now() - toldAt > JUST_TOLD_MS) process.kill(process.pid, 'SIGTERM');
  }, WATCH_MS);
  watch.unref();
}
