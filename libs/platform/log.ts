import { type Logger, pino } from 'pino';
import { LogWriter } from './log-writer.ts';

export type Log = Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Modules that can have a level of their own; their lines name the module. */
export const LOG_MODULES = [
  'api',
  'campus',
  'database',
  'derive',
  'intake',
  'kafka',
  'reconcile',
  'relay',
  'rollover',
  'source',
] as const;
export type LogModule = (typeof LOG_MODULES)[number];

export interface LevelsByModule {
  readonly level: LogLevel;
  /** The levels of those that differ. */
  readonly modules: Readonly<Partial<Record<LogModule, LogLevel>>>;
}

/**
 * One level for all, and others for modules: `info,relay=debug`.
 * @throws Error for anything else
 */
export function parseLogLevels(text: string): LevelsByModule {
  let level: LogLevel | undefined;
  const modules: Partial<Record<LogModule, LogLevel>> = {};
  for (const part of text.split(',').map((item) => item.trim())) {
    const [first = '', second, ...more] = part.split('=').map((item) => item.trim());
    const module = LOG_MODULES.find((each) => each === first);
    const isTwice = second === undefined ? level !== undefined : module !== undefined && module in modules;
    const given = LOG_LEVELS.find((each) => each === (second ?? first));
    if (given === undefined || more.length > 0 || isTwice) throw new Error(`${part} is no level`);
    if (second === undefined) level = given;
    else if (module === undefined) throw new Error(`${first} is no module`);
    else modules[module] = given;
  }
  return { level: level ?? 'info', modules };
}

/** Keeps in a log what it was opened with: callers are handed a log, and need not know its levels. */
const OPENED = Symbol('opened');
type OpenedLog = Log & { readonly [OPENED]?: { readonly root: Log; readonly levels: LevelsByModule } };

export interface LogOptions {
  /** Included in each line. */
  readonly role?: string;
  /** Absent: standard error. */
  readonly file?: string;
}

/**
 * One JSON object per line on standard error, so that standard output is for people; or in a file, which is rotated when it
 * is long.
 */
export function openLog(levels: LogLevel | LevelsByModule, { role, file }: LogOptions = {}): Log {
  const known = typeof levels === 'string' ? { level: levels, modules: {} } : levels;
  const root = pino(
    { level: known.level, base: role === undefined ? null : { role }, timestamp: pino.stdTimeFunctions.isoTime },
    new LogWriter(file === undefined ? {} : { file }),
  );
  return Object.assign(root, { [OPENED]: { root, levels: known } });
}

/** The same log, for one module: at the module's level, and with its name in each line. */
export function moduleLog(log: Log, module: LogModule): Log {
  const { [OPENED]: opened } = log as OpenedLog;
  if (opened === undefined) return log;
  const { root, levels } = opened;
  return root.child({ module }, { level: levels.modules[module] ?? levels.level });
}
