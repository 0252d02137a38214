// Starts a program of this project on a machine that has Node and nothing else: installs the packages when they are
// missing or others than the lock file names, then runs it in this very process, so that signals reach it.
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
/** Whoever has not said for so long that it installs is gone. */
const GONE_MS = 10_000;
const ALL_KINDS = ['dev', 'optional'].map((kind) => `--include=${kind}`);
/** For so long a signal may have been for all; an older one was another matter, as a SIGHUP that has tokens read anew. */
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
  const present = packagesIn(note);
  if (present === undefined) return false;
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

/** @returns undefined for a note of which a crash has left nothing, or half */
function packagesIn(note) {
  try {
    return JSON.parse(readFileSync(note, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Two that install at once take each other's files away. The sign of one that was killed is not renewed, and soon counts no more. */
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
 * Runs a command to its end. A terminal tells it of Ctrl-C as it tells us; of whatever else ends us, or npm above us, we tell it:
 * it would go on by itself, and what it was run for after it.
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
 * npm passes SIGTERM on to the shell between it and this process, and no further: who started us is gone then. Where all of
 * them were told, as by a terminal or systemd, a program that stops in its own time must not be told again: it would leave at once.
 */
function stopWithNpm() {
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
    if (process.ppid === startedBy) return;
    clearInterval(watch);
    if (performance.now() - toldAt > JUST_TOLD_MS) process.kill(process.pid, 'SIGTERM');
  }, WATCH_MS);
  watch.unref();
}
