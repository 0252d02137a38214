import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { LogWriter } from '#libs/platform/log-writer.ts';
import type { ErasedNames } from './erased-names.ts';

/** One request: who asked what, about whom, and what came of it. */
export interface Access {
  readonly requestId: string;
  /** Name of the token; null where there was none, or a wrong one. */
  readonly token: string | null;
  /** The connection's remote address; behind a proxy, the proxy's. */
  readonly address: string;
  readonly method: string;
  /** Contains the ids of the student or course that was asked about. */
  readonly path: string;
  /** Filters as sent; they can name students and courses, too. */
  readonly query: string;
  readonly status: number;
}

export interface AccessRecord {
  record(access: Access): void;
  /** Takes the names of erased students out of every existing line. @returns how many lines changed */
  hide(names: ErasedNames): Promise<number>;
  /** Deletes lines older than `before`, milliseconds since 1970. @returns how many files went, and lines of other files */
  forget(before: number): Promise<{ readonly files: number; readonly lines: number }>;
}

interface Line extends Access {
  readonly time: string;
}

/**
 * A record of who has seen whose data, apart from the log: one JSON object a line, readable only by the owner of the process;
 * a new file begins when it is long, and the last four are kept beside it. Requests that were not let in are in `<file>.refused`:
 * anybody who reaches the port may fill that one, and drive out nothing of the other. Lines about erased students stay, since
 * they also tell who asked, but name a digest in place of the student.
 * @param names called for each line
 * @throws ConfigurationError when the file cannot be written
 */
export function openAccessRecord(file: string, now: () => number, names: () => ErasedNames): AccessRecord {
  const letIn = openWriter(file);
  const refused = openWriter(`${file}.refused`);
  const writers = [letIn, refused];
  const rewrite = async (change: (line: string) => string | null): Promise<number> => {
    let lines = 0;
    for (const writer of writers) lines += await writer.rewrite(change);
    return lines;
  };
  return {
    record: (access) => {
      const line: Line = { time: new Date(now()).toISOString(), ...access };
      const writer = access.token === null && NOT_LET_IN.includes(access.status) ? refused : letIn;
      writer.write(`${JSON.stringify(hideIn(line, names()))}\n`);
    },
    hide: (erased) => rewrite((line) => hideInText(line, erased)),
    forget: async (before) => {
      const first = new Date(before).toISOString();
      // A file that grows slowly lasts for years, so old lines are removed one by one.
      const files = writers.reduce((sum, writer) => sum + writer.forget(before), 0);
      return { files, lines: await rewrite((line) => (timeOf(line) < first ? null : line)) };
    },
  };
}

/** No token or a wrong one, a Host that is not ours, too many attempts. */
const NOT_LET_IN: readonly number[] = [401, 403, 429];

/** For a line that is not ours, a text that sorts after every time. */
const timeOf = (line: string): string => /^\{"time":"([^"]*)"/.exec(line)?.[1] ?? '\uffff';

const hideIn = (line: Line, names: ErasedNames): Line => ({
  ...line,
  path: names.hide(line.path),
  query: names.hide(line.query),
});

/** A line that is not ours, such as one cut short when a process died, is searched as plain text. */
function hideInText(text: string, names: ErasedNames): string {
  try {
    const line = JSON.parse(text) as Line;
    const hidden = hideIn(line, names);
    return hidden.path === line.path && hidden.query === line.query ? text : JSON.stringify(hidden);
  } catch {
    return names.hide(text);
  }
}

function openWriter(file: string): LogWriter {
  try {
    return new LogWriter({ file });
  } catch (error) {
    throw new ConfigurationError(
      `the access record ${file} cannot be written: ${messageOf(error)}`,
      'set API_ACCESS_RECORD to a file in a folder that this user may write to',
    );
  }
}
