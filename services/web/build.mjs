// Builds the pages: node services/web/build.mjs [--if-stale]. A digest of the sources is stored beside them, so that programs
// can ask for them at every start. They appear all at once, even if two builds run at the same time.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = import.meta.dirname;
const finished = path.join(here, 'dist');
const note = path.join(finished, '.made-of');
/** The best quality takes seconds for the large library behind /docs, which few open. */
const QUALITY = constants.BROTLI_PARAM_QUALITY;
const LARGE = 500_000;
const COMPRESSED = /\.(html|js|css|svg)$/;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major === 20 && minor < 19) {
  console.error(`Node ${process.versions.node} cannot build the pages: that takes 20.19 or newer.`);
  process.exit(1);
}
const madeOf = digest();
const isFresh = existsSync(note) && readFileSync(note, 'utf8') === madeOf;
if (!process.argv.includes('--if-stale') || !isFresh) await make();

/** A hash of every file that goes into the pages; files imported only for their types do not. */
function digest() {
  const sources = readdirSync(path.join(here, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.\w+$/.test(name))
    .sort();
  const files = [...sources.map((name) => `src/${name}`), 'index.html', 'vite.config.ts', 'build.mjs'];
  const hash = createHash('sha256');
  for (const file of [...files, '../../package-lock.json'])
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(path.join(here, file)))
      .update('\0');
  return hash.digest('hex');
}

async function make() {
  const hindrance = whatHinders();
  if (hindrance !== undefined) {
    console.error(`The pages cannot be built: ${hindrance}`);
    process.exit(1);
  }
  const began = performance.now();
  // Imported here, since only a build needs it.
  const { build } = await import('vite');
  const made = mkdtempSync(path.join(here, 'dist-'));
  let bytes = 0;
  try {
    await build({ configFile: path.join(here, 'vite.config.ts'), build: { outDir: made, emptyOutDir: true } });
    chmodSync(made, 0o755);
    compress(made);
    bytes = firstView(made);
    writeFileSync(path.join(made, '.made-of'), madeOf);
    replace(made);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`The pages are built (${seconds} s); the first one weighs ${Math.ceil(bytes / 1000)} KB.`);
}

/** @returns a sentence for a person, with what to do; undefined where nothing is known */
function whatHinders() {
  // The build tool takes the rest of such a path for a query.
  if (/[#?]/.test(here)) return `the path ${here} has a # or a ? in it; move the project to a folder without them.`;
  if (!existsSync(path.join(here, '../../node_modules/vite')))
    return 'packages for it are not installed; npm ci --include=dev installs them.';
  return undefined;
}

/** Compresses the files once, as small as possible, instead of at each request. */
function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) =>
    COMPRESSED.test(each),
  )) {
    const bytes = readFileSync(path.join(folder, name));
    writeFileSync(path.join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    writeFileSync(
      path.join(folder, `${name}.br`),
      brotliCompressSync(bytes, { params: { [QUALITY]: bytes.length > LARGE ? 8 : 11 } }),
    );
  }
}

/** @returns the gzipped bytes that the first page fetches, in the longest language */
function firstView(folder) {
  const weight = (name) => statSync(path.join(folder, `${name}.gz`)).size;
  const page = readFileSync(path.join(folder, 'index.html'), 'utf8');
  const named = [...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, name]) => name);
  const languages = readdirSync(path.join(folder, 'assets')).filter((name) => /^(en|fr|ar)-[^.]+\.js$/.test(name));
  const longest = Math.max(...languages.map((name) => weight(`assets/${name}`)));
  return ['index.html', ...named].reduce((sum, name) => sum + weight(name), longest);
}

function replace(made) {
  const old = mkdtempSync(path.join(here, 'dist-'));
  try {
    if (existsSync(finished)) renameSync(finished, path.join(old, 'dist'));
    renameSync(made, finished);
  } catch (error) {
    // Another build of the same sources was faster.
    if (!existsSync(finished)) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}
