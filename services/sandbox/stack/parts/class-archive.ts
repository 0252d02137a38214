import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/*
 * Archives of a part's classes as a JVM has them in memory (class data sharing), which save a third of its start. They lie
 * beside the jars, one for each Java. A JVM ignores an archive of other jars, but crashes on a truncated one: so each has
 * its length in its name.
 */

export type Trained = 'broker' | 'connect' | 'registry';

/** The archive of one part for the Java on the PATH. */
interface ClassArchive {
  readonly folder: string;
  /** The beginning of its file name. */
  readonly prefix: string;
}

/** By PATH, which decides which Java is used. */
const versions = new Map<string | undefined, Promise<string | undefined>>();

function javaVersion(): Promise<string | undefined> {
  const { PATH } = process.env;
  const known = versions.get(PATH);
  if (known !== undefined) return known;
  // Without options that it would repeat in its output: archives do not depend on them.
  const env = { ...process.env, JDK_JAVA_OPTIONS: undefined, JAVA_TOOL_OPTIONS: undefined };
  const asked = new Promise<string | undefined>((resolve) => {
    execFile('java', ['-version'], { env }, (error, _, words) => resolve(error === null ? words : undefined));
  });
  versions.set(PATH, asked);
  return asked;
}

/** Undefined if there is no Java. */
async function archiveOf(parts: string, name: Trained): Promise<ClassArchive | undefined> {
  const java = await javaVersion();
  if (java === undefined) return undefined;
  const hash = createHash('sha256').update(java).digest('hex').slice(0, 12);
  return { folder: archivesIn(parts), prefix: `${name}-${hash}-` };
}

export const archivesIn = (parts: string): string => path.join(parts, 'classes');

function fileOf({ folder, prefix }: ClassArchive): string | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.jsa'))
    .map((name) => path.join(folder, name))
    .find((file) => file.endsWith(`-${statSync(file).size}.jsa`));
}

export async function isTrained(parts: string, name: Trained): Promise<boolean> {
  const archive = await archiveOf(parts, name);
  return archive === undefined || fileOf(archive) !== undefined;
}

/** The JVM's messages about archives would go to standard output, and concern nobody. */
const SILENT = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off'];

/** Options for a JVM to start with the archive, if there is one. */
export async function sharedClasses(parts: string, name: Trained): Promise<string[]> {
  const archive = await archiveOf(parts, name);
  const file = archive && fileOf(archive);
  return file === undefined ? [] : [`-XX:SharedArchiveFile=${file}`, ...SILENT];
}

const draftOf = ({ folder, prefix }: ClassArchive): string => path.join(folder, `${prefix}${process.pid}.new`);

/** Options for a JVM to archive, when it ends, the classes that it has loaded. */
export async function recordedClasses(parts: string, name: Trained): Promise<string[]> {
  const archive = await archiveOf(parts, name);
  return archive === undefined ? [] : [`-XX:ArchiveClassesAtExit=${draftOf(archive)}`, ...SILENT];
}

/** The exit code of a Java that was ended by SIGTERM. */
const ASKED = 143;

/** Keeps the archive of a JVM that ended in an orderly way. @param code its exit code */
export async function keepRecorded(parts: string, name: Trained, code: number | null): Promise<void> {
  const archive = await archiveOf(parts, name);
  if (archive === undefined || code !== ASKED) return;
  const draft = draftOf(archive);
  const file = openSync(draft, 'r');
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path.join(archive.folder, `${archive.prefix}${statSync(draft).size}.jsa`));
}
