import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import { type PartsLock, POM_FILE } from './lock-file.ts';

/** Called with the bytes downloaded so far, without what Maven already had. */
export type OnBytes = (bytes: number) => void;

const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/**
 * Reads Maven's own report of its downloads, piece by piece.
 * `Progress (2): 1.2 kB | 22/142 MB` is about downloads in progress, `Downloaded from …: <address> (…)` about finished ones.
 */
export function parseMavenProgress(lock: PartsLock, onBytes: OnBytes): (chunk: string) => void {
  const sizes = new Map(Object.entries(lock).map(([name, { bytes }]) => [path.posix.basename(name), bytes]));
  let done = 0;
  let rest = '';
  return (chunk) => {
    const pieces = (rest + chunk).split(/[\r\n]/);
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const downloaded = /^Downloaded from \S+: (\S+)/.exec(piece)?.[1];
      if (downloaded !== undefined) {
        const name = path.posix.basename(downloaded);
        done += sizes.get(name) ?? 0;
        // A jar that is in two folders is fetched once.
        sizes.delete(name);
        onBytes(done);
      } else if (piece.startsWith('Progress')) onBytes(done + underWay(piece));
    }
  };
}

/** Only large files show their progress; the others are counted when they are done. */
function underWay(line: string): number {
  let bytes = 0;
  for (const [, got, unit] of line.matchAll(/([\d.]+)\/[\d.]+ (B|kB|MB|GB)/g))
    bytes += Number(got) * (UNITS[unit ?? ''] ?? 0);
  return Math.round(bytes);
}

/** What Maven is to do. */
export interface MavenCall {
  readonly pom: string;
  readonly phase: string;
  /** The property for the output folder. */
  readonly out: string;
  /** Its task in words: "fetch the parts of the stack". */
  readonly doing: string;
  /** What to do if there is no Maven. */
  readonly remedy: string;
}

const PARTS: MavenCall = {
  pom: fileURLToPath(POM_FILE),
  phase: 'initialize',
  out: 'parts.out',
  doing: 'fetch the parts of the stack',
  remedy:
    'install Maven 3.8 or newer and Java 17 or newer (Debian: apt-get install maven openjdk-17-jre-headless), or set ' +
    'STACK_PARTS_DIR to a folder in which they have been fetched',
};

/**
 * Has Maven put the parts, or the output of another call, into a folder.
 * @throws ConfigurationError if there is no Maven; UnrecoverableError with Maven's own words if it fails
 */
export function runMaven(folder: string, onOutput: (chunk: string) => void, call: MavenCall = PARTS): Promise<void> {
  // Not in batch mode, which reports no progress.
  const args = ['-f', call.pom, call.phase, `-D${call.out}=${folder}`, '-Dstyle.color=never'];
  const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const whenWeEnd = (): boolean => child.kill('SIGKILL');
  process.once('exit', whenWeEnd);
  let errors = '';
  const keep = (chunk: Buffer): void => {
    const text = chunk.toString();
    onOutput(text);
    errors = `${errors}${text}`.slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(noMaven(cause, call)));
    child.once('close', (code) => (code === 0 ? resolve() : reject(failed(code, errors, call))));
  }).finally(() => process.off('exit', whenWeEnd));
}

const noMaven = (cause: Error, { doing, remedy }: MavenCall): Error =>
  new ConfigurationError(`Maven cannot be run (mvn: ${cause.message}), and it has to ${doing}`, remedy, { cause });

function failed(code: number | null, output: string, { doing }: MavenCall): Error {
  const said = output.split(/[\r\n]+/).filter((line) => line.startsWith('[ERROR]') && line.length > 8);
  return new UnrecoverableError(
    'maven_failed',
    `Maven could not ${doing} (code ${code}):\n  ${said.slice(0, 4).join('\n  ') || output.slice(-500)}`,
    'fix what it names (the network, a proxy or mirror in ~/.m2/settings.xml, the space on the disk) and start again; ' +
      'what was fetched so far is kept',
  );
}
