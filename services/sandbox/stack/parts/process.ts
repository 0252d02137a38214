import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import { readIfThere } from '#libs/platform/file-if-there.ts';
import { LOOK_AT_LOG_MS, shorten } from '#libs/platform/log-writer.ts';
import { sleep } from '#libs/platform/retry.ts';
import { recordedClasses, sharedClasses, type Trained } from './class-archive.ts';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A part that runs as a process of its own and is ready. */
export interface RunningPart {
  readonly name: string;
  readonly pid: number;
  /** Its standard output and error since this start; those of the start before are beside it as `.1`. */
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  /** Asks it to end (SIGTERM) and kills it after a deadline; resolves when it is gone. */
  stop(deadlineMs?: number): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Options that every part takes. */
export interface PartOptions {
  /** For its data, settings and log: the same folder and ports make it the same part again. */
  readonly folder: string;
  /** Folder of the fetched parts; default `partsFolder()`. */
  readonly parts?: string;
  /** Called as soon as there is a process, long before it is ready, so that it can be found whatever happens next. */
  readonly onSpawn?: (pid: number) => void;
  /** Aborts the wait for its readiness. */
  readonly signal?: AbortSignal;
  /** Has the JVM archive, when it ends, the classes that it loaded; see class-archive.ts. */
  readonly isRecording?: boolean;
}

export interface Program {
  readonly name: string;
  /** For its log; also the working folder of Java programs. */
  readonly folder: string;
  readonly args: readonly string[];
  /** Its environment, besides the few variables that every program gets. */
  readonly env?: Readonly<Record<string, string>>;
  isReady(logFile: string): Promise<boolean>;
}

export interface JavaProgram extends Program {
  /** After the options of the JVM: `-cp … Main` or `-jar …`, and its arguments. */
  readonly args: readonly string[];
  readonly maxHeapMb: number;
  /** Default: it has no class archive. */
  readonly classes?: { readonly parts: string; readonly name: Trained };
}

/** How any program is started and watched. */
export interface Launch {
  readonly command: string;
  readonly cwd: string;
  /** If it is not ready by then, it is killed; undefined: no limit. */
  readonly deadlineMs?: number;
  readonly onSpawn?: ((pid: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Ten times what it usually takes: a busy machine is slow, not broken. */
const READY_MS = 240_000;
const LOOK_MS = 50;
const STOP_MS = 8_000;
const JAVA_NEEDED =
  'install Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless) and see that java is on the PATH';

/** The part of our environment that any program needs. The rest are settings, some secret: each program gets its own. */
const PASSED_ON = ['PATH', 'HOME', 'JAVA_HOME', 'JDK_JAVA_OPTIONS', 'TMPDIR', 'LANG', 'LC_ALL'];
const bareEnvironment = (): NodeJS.ProcessEnv => Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]]));

export const javaOptions = (maxHeapMb: number): string[] => [
  '-Xms64m',
  `-Xmx${maxHeapMb}m`,
  '-XX:+UseSerialGC',
  '-Xshare:auto',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
];

/** Thrown when a port that was free a moment ago is taken. */
export class PortTaken extends Error {}

/**
 * Starts a Java program and waits until it is ready.
 * @throws ConfigurationError without Java; PortTaken; PartEnded with the end of its log if it ends or does not become
 *   ready; it is then not left running
 */
export async function startJava(program: JavaProgram, options: PartOptions): Promise<RunningPart> {
  const { onSpawn, signal, isRecording } = options;
  const { classes, maxHeapMb } = program;
  const shared = classes && (await (isRecording ? recordedClasses : sharedClasses)(classes.parts, classes.name));
  const args = [...javaOptions(maxHeapMb), ...(shared ?? []), ...program.args];
  try {
    return await startProcess(
      { ...program, args },
      { command: 'java', cwd: program.folder, deadlineMs: READY_MS, onSpawn, signal },
    );
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? noJava(error as Error) : error;
  }
}

/** Starts any program in its own process group, with its output in a log file, and waits until it is ready. */
export async function startProcess(program: Program, launch: Launch): Promise<RunningPart> {
  const { name, folder, args, env } = program;
  mkdirSync(folder, { recursive: true });
  const logFile = path.join(folder, `${name}.log`);
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(launch.command, args, {
    cwd: launch.cwd,
    // Ctrl-C in the terminal must only reach us; we end the programs in order.
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...bareEnvironment(), ...env },
  });
  closeSync(log);
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once('error', resolve);
    child.once('spawn', () => resolve(undefined));
  });
  if (failure !== undefined) throw failure;
  const part = handle(name, logFile, child);
  launch.onSpawn?.(part.pid);
  await untilReady(part, program, launch);
  return part;
}

const noJava = (cause: Error): Error =>
  new ConfigurationError(`Java cannot be run (java: ${cause.message})`, JAVA_NEEDED, { cause });

function handle(name: string, logFile: string, child: ChildProcess): RunningPart {
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const logs = setInterval(() => shorten(logFile), LOOK_AT_LOG_MS);
  void exited.then(() => clearInterval(logs));
  return {
    name,
    pid: child.pid ?? 0,
    logFile,
    exited,
    stop: async (deadlineMs = STOP_MS) => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      await exited;
      clearTimeout(late);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function untilReady(part: RunningPart, program: Program, { deadlineMs, signal }: Launch): Promise<void> {
  let exit: Exit | undefined;
  void part.exited.then((how) => {
    exit = how;
  });
  for (const began = Date.now(); ; await sleep(LOOK_MS)) {
    // Checked before the exit, so that a program that is ready and ends at once counts as ready.
    if (await program.isReady(part.logFile)) return;
    if (exit !== undefined) throw endedEarly(part, exit);
    const isLate = deadlineMs !== undefined && Date.now() - began > deadlineMs;
    if (signal?.aborted || isLate) {
      await part.kill();
      signal?.throwIfAborted();
      throw new PartEnded(part, `was not ready after ${(deadlineMs ?? 0) / 1000} s`, { code: null, signal: 'SIGKILL' });
    }
  }
}

/** A part that ended before it was ready; the message contains the end of its log. */
export class PartEnded extends UnrecoverableError {
  readonly exit: Exit;
  readonly logFile: string;

  constructor({ name, logFile }: RunningPart, what: string, exit: Exit) {
    super(
      'part_not_ready',
      `${name} ${what}; the last lines of its log ${logFile}:\n  ${endOfLog(logFile, 12).join('\n  ') || '(nothing)'}`,
      'fix the cause named there and start again; npm run stack -- --reset begins anew, without its data',
    );
    this.name = 'PartEnded';
    this.exit = exit;
    this.logFile = logFile;
  }
}

function endedEarly(part: RunningPart, exit: Exit): Error {
  const log = readFileSync(part.logFile, 'utf8');
  if (/Address already in use|port \d+ .*in use/i.test(log)) return new PortTaken(`${part.name}: its port is in use`);
  if (log.includes('UnsupportedClassVersionError'))
    return new ConfigurationError(`the Java on the PATH is too old for ${part.name}`, JAVA_NEEDED);
  return new PartEnded(part, `ended (${describeExit(exit)}) before it was ready`, exit);
}

export const describeExit = ({ code, signal }: Exit): string => signal ?? (code === null ? 'no word' : `code ${code}`);

/** The last lines that are not empty or part of a stack trace. */
export function endOfLog(logFile: string, count: number): string[] {
  const lines = readIfThere(logFile)?.split('\n') ?? [];
  return lines.filter((line) => line.trim() !== '' && !/^\s+(at|\.\.\.) /.test(line)).slice(-count);
}
