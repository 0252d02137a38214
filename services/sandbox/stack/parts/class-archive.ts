import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/*
 * The classes of a part as a JVM has them in memory (class data sharing), which saves a third of what its start costs. They lie
 * beside the jars, for each Java its own. A JVM does without an archive of other jars, but crashes on one that is cut
 * short: so each has its length in its name.
 */

export type Trained = 'broker' | 'connect' | 'registry';

/** The archive of one part and the Java on the PATH. */
interface ClassArchive {
  readonly folder: string;
  /** How the name of its file begins. */
  readonly prefix: string;
}

/** By PATH, which says which Java it is. */
const versions = new Map<string | undefined, Promise<string | undefined>>();

function javaVersion(): Promise<string | undefined> {
  const { PATH } = process.env;
  const known = versions.get(PATH);
  if (known !== undefined) return known;
  // Without the options that it would repeat: archives are the same with them.
  const env = { ...process.env, JDK_JAVA_OPTIONS: undefined, JAVA_TOOL_OPTIONS: undefined };
  const asked = new Promise<string | undefined>((resolve) => {
    execFile('java', ['-version'], { env }, (error, _, words) => resolve(error === null ? words : undefined));
  });
  versions.set(PATH, asked);
  return asked;
}

/** Undefined where there is no Java. */
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

/** What the JVM says of archives goes to standard output, and is nobody's trouble. */
const SILENT = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off'];

/** Options of a JVM that starts with the archive, if there is one. */
export async function sharedClasses(parts: string, name: Trained): Promise<string[]> {
  const archive = await archiveOf(parts, name);
  const file = archive && fileOf(archive);
  return file === undefined ? [] : [`-XX:SharedArchiveFile=${file}`, ...SILENT];
}

const draftOf = ({ folder, prefix }: ClassArchive): string => path.join(folder, `${prefix}${process.pid}.new`);

/** Options of a JVM that writes down what it has loaded when it ends. */
export async function recordedClasses(parts: string, name: Trained): Promise<string[]> {
  const archive = await archiveOf(parts, name);
  return archive === undefined ? [] : [`-XX:ArchiveClassesAtExit=${draftOf(archive)}`, ...SILENT];
}

/** As Java ends that was asked to by SIGTERM. */
const ASKED = 143;

/** Keeps what a JVM has written that ended in good order. @param code as it exited with */
export async function keepRecorded(parts: string, name: Trained, code: number | null): Promise<void> {
  const archive = await archiveOf(parts, name);
  if (archive === undefined || code !== ASKED) return;
  const draft = draftOf(archive);
  const file = openSync(draft, 'r');
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path.join(archive.folder, `${archive.prefix}${statSync(draft).size}.jsa`));
}
