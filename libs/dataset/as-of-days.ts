import { type LocalDay, parseDay } from '#libs/domain/local-date.ts';

const FORM = 'days as 2026-09-01,2026-10-01 or spans as 2026-09-01..2026-12-01/7d, parted by commas';
/** Every day of nearly fourteen years; more is a typing error. */
const MOST_DAYS = 5_000;

/**
 * Parses days: single ones, or spans with a step in days (by default 1), which include their last day if a step falls on it.
 * @returns ascending, each once
 * @throws RangeError saying what is wrong
 */
export function parseAsOfDays(text: string): LocalDay[] {
  const days = new Set<LocalDay>();
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') throw new RangeError(`no day is named in "${text}" (expected ${FORM})`);
    for (const day of daysOf(part)) {
      days.add(day);
      // A span of all the years there are would take seconds to count.
      if (days.size > MOST_DAYS) throw new RangeError(`"${text}" names more than ${MOST_DAYS} days`);
    }
  }
  return [...days].sort((a, b) => a - b);
}

function* daysOf(part: string): Generator<LocalDay> {
  const span = /^([\d-]+)\.\.([\d-]+)(?:\/(\d+)d)?$/.exec(part);
  if (span === null && /\.\.|\//.test(part)) throw new RangeError(`"${part}" is no span of days (expected ${FORM})`);
  const [, first = part, last = first, every = '1'] = span ?? [];
  const [from, to, step] = [parseDay(first), parseDay(last), Number(every)];
  if (step < 1) throw new RangeError(`"${part}" has a step of no days`);
  if (from > to) throw new RangeError(`"${part}" ends before it begins`);
  for (let day = from; day <= to; day += step) yield day;
}
