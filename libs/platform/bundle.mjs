// Bundles a TypeScript program and all its modules into one JavaScript file, for a Node that reads no TypeScript, and keeps it
// until one of them changes. Packages stay external. Reading and resolving 400 modules one by one, in another thread, took most
// of the time of a start.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** By then, every process that found a file in the note has read it, milliseconds. */
const READ_MS = 60_000;

/**
 * @param {string} root of the project
 * @param {string} file the program
 * @returns {Promise<string>} the file to run in its place
 * @throws where the folder `.cache` of the project cannot be written to
 */
export async function bundle(root, file) {
  process.setSourceMapsEnabled(true);
  const folder = path.join(root, '.cache', process.version);
  const name = path.relative(root, file).replaceAll(/[^\w.-]/g, '_');
  const note = path.join(folder, `${name}.json`);
  const known = existsSync(note) ? read(note) : undefined;
  // In a project that was copied or moved, the paths are no longer right.
  const isUsable =
    known?.root === root && existsSync(known.made) && known.inputs.every(([input, state]) => stateOf(input) === state);
  if (isUsable) return known.made;
  mkdirSync(folder, { recursive: true });
  const made = path.join(folder, `${name}.${process.pid}.${Date.now()}.mjs`);
  const inputs = await make(root, file, made);
  writeFileSync(`${made}.json`, JSON.stringify({ root, made, inputs }));
  renameSync(`${made}.json`, note);
  forgetOld(folder, name, made);
  return made;
}

/** @returns every file that went into it, with its state before it was read */
async function make(root, file, made) {
  const { build, stop } = await import('esbuild');
  const states = new Map();
  const load = async ({ path: module }) => {
    states.set(module, stateOf(module));
    const [url, folder] = [pathToFileURL(module).href, path.dirname(module)].map((place) => JSON.stringify(place));
    // On the first line, so that line numbers stay the same.
    const text = `const importMetaUrl = ${url}, importMetaDirname = ${folder}; ${await readFile(module, 'utf8')}`;
    return { contents: text, loader: 'ts' };
  };
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [file],
    outfile: made,
    // Its own error would not say that the file system is why.
    write: false,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: `node${process.versions.node}`,
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'error',
    // A module's own location stays that of its source file.
    define: { 'import.meta.url': 'importMetaUrl', 'import.meta.dirname': 'importMetaDirname' },
    plugins: [{ name: 'places', setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, load) }],
  });
  // Otherwise it would wait for more work as long as the program runs.
  await stop();
  writeFileSync(made, outputFiles[0].contents);
  return [...states];
}

/** @returns undefined if a crash left the note empty or cut off */
function read(note) {
  try {
    return JSON.parse(readFileSync(note, 'utf8'));
  } catch {
    return undefined;
  }
}

function forgetOld(folder, name, made) {
  for (const each of readdirSync(folder)) {
    const file = path.join(folder, each);
    if (!each.startsWith(`${name}.`) || !/\.mjs(\.json)?$/.test(each) || file === made) continue;
    if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > READ_MS) rmSync(file, { force: true });
  }
}

/** An archive may give all versions of a file one date; nothing sets the time of the change itself. */
function stateOf(file) {
  const { ctimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return `${ctimeMs} ${size}`;
}
