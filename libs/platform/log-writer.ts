import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { messageOf } from '#libs/domain/errors.ts';

export interface LogWriterOptions {
  /** Standard error by default: its reader looks after the size. */
  readonly file?: string;
  /** A new file is begun when this one would grow beyond it. */
  readonly maxBytes?: number;
  /** How many ended files are kept beside it, as `<file>.1` (the newest), `.2` and so on. */
  readonly kept?: number;
}

const MAX_BYTES = 20 * 1024 ** 2;
const KEPT = 4;
/** How long a line waits for a reader that is slower than we are, milliseconds. */
const TIMEOUT_MS = 100;
const STDERR = 2;

let dropped = 0;

/** How many lines of the log could not be written since this process began. */
export const droppedLines = (): number => dropped;

/**
 * Writes lines at once, so that they survive the end of the process. A line that cannot be written (the disk is full, nobody
 * reads) is dropped and counted: a log is no reason to stop. The next line that can be written is preceded by the count.
 */
export class LogWriter {
  readonly #options: Required<Omit<LogWriterOptions, 'file'>> & Pick<LogWriterOptions, 'file'>;
  #fd: number;
  #bytes = 0;
  /** Lines dropped since the last one written, and why the first of them was. */
  #missing: { lines: number; readonly why: string } | undefined;
  /** Only part of the last line was written. */
  #isCut = false;
  /** How often a file has ended, so that every file got another number. */
  #ended = 0;

  /** @throws the error of Node when the file cannot be opened */
  constructor({ file, maxBytes = MAX_BYTES, kept = KEPT }: LogWriterOptions = {}) {
    this.#options = { maxBytes, kept, ...(file === undefined ? {} : { file }) };
    if (file !== undefined) mkdirSync(path.dirname(file), { recursive: true });
    this.#fd = file === undefined ? STDERR : this.#open(file);
  }

  /** @param line including its line end */
  write(line: string): void {
    try {
      this.#makeRoom(Buffer.byteLength(line));
      this.#writeWhole(
        `${this.#isCut ? '\n' : ''}${this.#missing === undefined ? '' : saysMissing(this.#missing)}${line}`,
      );
      this.#missing = undefined;
    } catch (error) {
      this.#missing ??= { lines: 0, why: messageOf(error) };
      this.#missing.lines += 1;
      dropped += 1;
    }
  }

  /**
   * Changes lines already written, including those in ended files, one file at a time, so that other work gets its turn in
   * between; if the process dies meanwhile, each file is either as it was or as it should become.
   * @param change gets a line without its line end; null removes the line
   * @returns how many lines were changed or removed
   * @throws the error of Node when a file cannot be read or written
   */
  async rewrite(change: (line: string) => string | null): Promise<number> {
    const { file, kept } = this.#options;
    if (file === undefined) return 0;
    let changed = 0;
    for (let n = kept; n >= 0; n -= 1) {
      const ended = this.#ended;
      const lines = rewriteFile(nthOf(file, n), change);
      changed += lines;
      if (lines > 0 && n === 0) {
        const before = this.#fd;
        this.#fd = this.#open(file);
        closeSync(before);
      }
      await setImmediate();
      // The files were renumbered meanwhile, and one would be skipped: start again.
      if (this.#ended !== ended) n = kept + 1;
    }
    return changed;
  }

  /** Deletes the files that ended before this time, milliseconds since 1970. @returns how many */
  forget(before: number): number {
    const { file, kept } = this.#options;
    if (file === undefined) return 0;
    const ended = Array.from({ length: kept }, (_, n) => nthOf(file, n + 1)).filter(
      (one) => existsSync(one) && statSync(one).mtimeMs < before,
    );
    for (const one of ended) rmSync(one, { force: true });
    return ended.length;
  }

  #open(file: string): number {
    const fd = openSync(file, 'a', 0o600);
    this.#bytes = fstatSync(fd).size;
    return fd;
  }

  #makeRoom(coming: number): void {
    const { file, maxBytes, kept } = this.#options;
    if (file === undefined || this.#bytes === 0 || this.#bytes + coming <= maxBytes) return;
    this.#bytes = 0;
    this.#ended += 1;
    try {
      for (let n = kept; n > 0; n -= 1)
        if (existsSync(nthOf(file, n - 1))) renameSync(nthOf(file, n - 1), nthOf(file, n));
      const before = this.#fd;
      this.#fd = this.#open(file);
      closeSync(before);
    } catch {
      // Continues in the present file; tries again when that has grown by as much once more.
    }
  }

  #writeWhole(text: string): void {
    let left = Buffer.from(text);
    const patient = Date.now() + (this.#missing === undefined ? TIMEOUT_MS : 0);
    while (left.length > 0) {
      const written = writePatiently(this.#fd, left, patient);
      this.#bytes += written;
      left = left.subarray(written);
      this.#isCut = left.length > 0;
    }
  }
}

const nthOf = (file: string, n: number): string => (n === 0 ? file : `${file}.${n}`);

function rewriteFile(file: string, change: (line: string) => string | null): number {
  if (!existsSync(file)) return 0;
  const lines = readFileSync(file, 'utf8').split('\n');
  const after = lines.map((line) => (line === '' ? line : change(line)));
  const changed = after.filter((line, index) => line !== lines[index]).length;
  if (changed === 0) return 0;
  const { atime, mtime } = statSync(file);
  writeFileSync(`${file}.new`, after.filter((line) => line !== null).join('\n'), { mode: 0o600 });
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
  return changed;
}

/** A full pipe that its other end has made non-blocking fails instead of taking a part. */
function writePatiently(fd: number, bytes: Buffer, until: number): number {
  for (;;) {
    try {
      return writeSync(fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || Date.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** How often a process that started another program checks the size of its log, milliseconds. */
export const LOOK_AT_LOG_MS = 60_000;

/**
 * Empties the log of another program when it is long, while that program appends to it. The old lines are in `<file>.1`,
 * unless there is no room for that.
 */
export function shorten(file: string, maxBytes = MAX_BYTES): void {
  try {
    if (statSync(file).size <= maxBytes) return;
    try {
      copyFileSync(file, `${file}.1`);
    } catch {
      rmSync(`${file}.1`, { force: true });
    }
    truncateSync(file);
  } catch {
    // It does not exist, or is not ours to shorten.
  }
}

const WARN = 40;

const saysMissing = ({ lines, why }: { lines: number; why: string }): string =>
  `${JSON.stringify({
    level: WARN,
    time: new Date().toISOString(),
    dropped: lines,
    msg: `lines that could not be written and are missing here: ${lines} (${why})`,
  })}\n`;
