import { dayRangeText, dayText, instantText, listText, number, orDash, t, upTo, word } from '../i18n/index.ts';

const DAY = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\dT.*Z$/;
const DECIMAL = /^-?\d+\.\d+$/;
const ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** Cells with names given by teachers, which may look like anything. */
const NAMES: ReadonlySet<string> = new Set(['item', 'resource', 'resources']);

/** A value of an explanation as text. @param name its name */
export function cellText(name: string, value: unknown): string {
  if (value === null || value === undefined) return orDash(null);
  if (typeof value === 'number') return name === 'seconds' ? timeSpent(value) : upTo(value, 2);
  if (typeof value === 'boolean') return value ? t('yes') : t('no');
  if (typeof value === 'string') return NAMES.has(name) ? shortName(value) : stringText(value);
  if (Array.isArray(value) && value.every(isRun)) return listText(value.map(({ from, to }) => dayRangeText(from, to)));
  if (Array.isArray(value)) return listText(value.map((each) => cellText(name, each)));
  return JSON.stringify(value);
}

/** Decimals arrive as text. */
export const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && DECIMAL.test(value));

function stringText(value: string): string {
  if (DAY.test(value)) return dayText(value);
  if (INSTANT.test(value)) return instantText(value);
  return DECIMAL.test(value) ? upTo(Number(value), 2) : word(`said.${value}`, value);
}

/** The beginning of an id of the learning platform, which is enough to find it. */
export const shortName = (name: string): string => (ID.test(name) ? `${name.slice(0, 8)}…` : name);

const LEAST_HOURS_S = 5_400;

/** @param seconds shown in hours from an hour and a half on, otherwise in minutes */
export const timeSpent = (seconds: number): string =>
  seconds < LEAST_HOURS_S
    ? t('time.minutes', { minutes: upTo(seconds / 60, 1) })
    : t('student.hours', { hours: number(seconds / 3600, 1) });

interface Run {
  readonly from: string;
  readonly to: string;
}

export const isRun = (value: unknown): value is Run =>
  typeof value === 'object' && value !== null && 'from' in value && 'to' in value;
