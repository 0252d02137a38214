import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UnrecoverableError } from '#libs/domain/errors.ts';

/** The hash and size that a file has to have. */
export interface LockedFile {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Every file that is fetched, by its path below the folder of the parts. */
export type PartsLock = Readonly<Record<string, LockedFile>>;

export const LOCK_FILE = new URL('./parts.lock.json', import.meta.url);
/** The only place where the versions of the parts are written down. */
export const POM_FILE = new URL('./pom.xml', import.meta.url);
export const RELOCK_COMMAND = 'node --import tsx services/sandbox/stack/parts/relock.ts';

/** Folders of fetched files. The contents of an archive are checked with the archive. */
const FETCHED = ['archives', 'libs', 'plugins/apicurio-converter'] as const;

export const readLock = (): PartsLock => JSON.parse(readFileSync(LOCK_FILE, 'utf8')) as PartsLock;

export const formatLock = (lock: PartsLock): string => `${JSON.stringify(lock, null, 2)}\n`;

/** The fetched files in this folder as they are. */
export async function describeFiles(folder: string): Promise<PartsLock> {
  const names = await Promise.all(
    FETCHED.map(async (part) => {
      const found = existsSync(path.join(folder, part)) ? await readdir(path.join(folder, part)) : [];
      return found.map((name) => `${part}/${name}`);
    }),
  );
  const described: Record<string, LockedFile> = {};
  for (const name of names.flat().sort()) {
    const file = path.join(folder, name);
    described[name] = { sha256: await sha256Of(file), bytes: statSync(file).size };
  }
  return described;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/**
 * Compares what was fetched with the lock file: the same files, byte for byte.
 * @throws UnrecoverableError naming the files that differ, are missing or should not be there
 */
export async function verifyFiles(folder: string, lock: PartsLock): Promise<void> {
  const found = await describeFiles(folder);
  const problems = [...new Set([...Object.keys(lock), ...Object.keys(found)])].sort().flatMap((name) => {
    const [wanted, is] = [lock[name], found[name]];
    if (is === undefined) return [`${name} is missing`];
    if (wanted === undefined) return [`${name} is not in the lock file`];
    return wanted.sha256 === is.sha256 ? [] : [`${name} has sha256 ${is.sha256}, and not ${wanted.sha256}`];
  });
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  throw new UnrecoverableError(
    'parts_differ',
    `what Maven fetched is not what services/sandbox/stack/parts/parts.lock.json pins:\n  ${shown.join('\n  ')}`,
    "nothing of it was kept. Remove these files from Maven's local repository and start again, in case they were cut " +
      `short; if you changed a version in pom.xml yourself, write the lock file anew: ${RELOCK_COMMAND}`,
  );
}
