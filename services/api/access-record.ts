import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { LogWriter } from '#libs/platform/log-writer.ts';

/** One request: who asked what, about whom, and what came of it. */
export interface Access {
  readonly requestId: string;
  /** Name of the token; null where there was none, or a wrong one. */
  readonly token: string | null;
  /** Of the connection: a proxy's, where there is one. */
  readonly address: string;
  readonly method: string;
  /** With the ids of the student or the course that was asked about. */
  readonly path: string;
  /** Filters, as they came; they name students and courses, too. */
  readonly query: string;
  readonly status: number;
}

export type RecordAccess = (access: Access) => void;

/**
 * A record of who has seen whose data, apart from the log: one JSON object a line, for the owner of the process alone; it
 * begins anew when it is long, and the last four are kept beside it.
 * @param file none: nothing is recorded
 * @throws ConfigurationError when the file cannot be written
 */
export function openAccessRecord(file: string | undefined, now: () => number): RecordAccess {
  if (file === undefined) return () => {};
  try {
    const writer = new LogWriter({ file });
    return (access) => writer.write(`${JSON.stringify({ time: new Date(now()).toISOString(), ...access })}\n`);
  } catch (error) {
    throw new ConfigurationError(
      `the access record ${file} cannot be written: ${messageOf(error)}`,
      'set API_ACCESS_RECORD to a file in a folder that this user may write to',
    );
  }
}
