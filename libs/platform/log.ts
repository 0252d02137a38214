import { type Logger, pino } from 'pino';
import { LogWriter } from './log-writer.ts';

export type Log = Logger;

/**
 * One JSON object a line on standard error, so that standard output is for people; or in a file, which is begun anew when
 * it is long.
 */
export function openLog(level: string, file?: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    new LogWriter(file === undefined ? {} : { file }),
  );
}
