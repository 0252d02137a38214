import { type Logger, pino } from 'pino';

export type Log = Logger;

/** One JSON object a line on standard error, so that standard output is for people. */
export function openLog(level: string, file?: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(file === undefined ? 2 : { dest: file, mkdir: true, sync: true }),
  );
}
