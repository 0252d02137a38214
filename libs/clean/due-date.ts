import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { floorToScaled } from '#libs/domain/rational.ts';
import { trimAscii } from '#libs/domain/text.ts';
import { type Instant, UTC, type Zone } from '#libs/domain/zone.ts';
import type { JsonMember } from './json-members.ts';
import { readInstant } from './time.ts';

/** The due date in `metadata.due_at`; `unreadable` is not a due date, and is counted. */
export type DueDate = Instant | null | 'unreadable';

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;
const EPOCH_SECONDS = /^\d{1,20}$/;
const MAX_OFFSET_MINUTES = 18 * 60;

/**
 * Reads `YYYY-MM-DD` (its last millisecond) or a date and time, with an offset or else in `zone`; a number, or up to 20
 * digits, is seconds since 1970, and 0 means none. Dates outside the years 2000 to 2199 count as missing.
 */
export function readDueDate(member: JsonMember | undefined, zone: Zone): DueDate {
  if (member === undefined) return null;
  if (member.type === 'number') return readSeconds(member.text);
  if (member.type === 'other') return 'unreadable';
  const text = trimAscii(member.text);
  if (EPOCH_SECONDS.test(text)) return readSeconds(text);
  const day = readDay(text);
  if (day !== undefined) return readInstant(day + MS_PER_DAY - 1, zone);
  return readTime(text, zone);
}

function readSeconds(text: string): DueDate {
  // Undefined if the exponent has five digits or more: then, as with 0, there is no due date.
  const ms = floorToScaled(text, 3);
  return ms === undefined ? null : inRange(Number(ms));
}

/** Milliseconds at the start of a calendar day; undefined for other text. */
function readDay(text: string): number | undefined {
  const match = DAY.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day or month that does not exist overflows into another month.
  return date.getUTCMonth() === month - 1 ? date.getTime() : undefined;
}

function readTime(text: string, zone: Zone): DueDate {
  const match = TIME.exec(text);
  if (match === null) return 'unreadable';
  const [date, hours, minutes, ...precise] = match.slice(1) as [string, string, string, ...(string | undefined)[]];
  const [seconds = '0', fraction = '', offset] = precise;
  const day = readDay(date);
  if (day === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return 'unreadable';
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const local = day + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + milliseconds;
  if (offset === undefined) return readInstant(local, zone);
  const offsetMinutes = readOffset(offset);
  return offsetMinutes === undefined ? 'unreadable' : inRange(local - offsetMinutes * 60_000);
}

/** Minutes east of UTC; undefined beyond 18 hours. */
function readOffset(text: string): number | undefined {
  if (text === 'Z') return 0;
  const minutes = Number(text.slice(-2));
  const hasMinutes = text.length > 3;
  const total = Number(text.slice(1, 3)) * 60 + (hasMinutes ? minutes : 0);
  if ((hasMinutes && minutes > 59) || total > MAX_OFFSET_MINUTES) return undefined;
  return text.startsWith('-') ? -total : total;
}

/** An instant needs no zone; the range is the same for all times. */
const inRange = (instant: Instant): Instant | null => readInstant(instant, UTC);
