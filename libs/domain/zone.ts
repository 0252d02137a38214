import { type LocalDay, MS_PER_DAY } from './local-date.ts';

/** Milliseconds since 1970-01-01T00:00Z. */
export type Instant = number;

/**
 * A time zone of the IANA database, with the two conversions that features need. The rules are those of Postgres'
 * `AT TIME ZONE`: a local time that occurs twice, or never, is read with the smaller UTC offset.
 */
export interface Zone {
  readonly name: string;
  /** Local minus UTC at an instant, milliseconds. */
  offsetAt(instant: Instant): number;
  /** The local day an instant falls on. */
  dayOf(instant: Instant): LocalDay;
  /** The instant at which the zone's clock shows `local` (milliseconds on its own clock). */
  toInstant(local: number): Instant;
}

const UTC_NAMES = new Set(['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT']);

/**
 * @param name `UTC` or an area and a place, `Europe/Paris`. Abbreviations are refused: `CET` is one offset all year to
 * Postgres and a zone with summer time to others.
 * @throws RangeError when the name is not a zone
 */
export function openZone(name: string): Zone {
  if (UTC_NAMES.has(name)) return utc(name);
  if (!name.includes('/'))
    throw new RangeError(`not a time zone: "${name}" (expected an area and a place, Europe/Paris)`);
  return new IntlZone(name);
}

const utc = (name: string): Zone => ({
  name,
  offsetAt: () => 0,
  dayOf: (instant) => Math.floor(instant / MS_PER_DAY),
  toInstant: (local) => local,
});

export const UTC: Zone = utc('UTC');

/** Offsets at both ends of a UTC day and, where they differ, the instant between at which the clock is moved. */
interface DayOffsets {
  readonly before: number;
  readonly after: number;
  readonly movedAt: number;
}

/**
 * Intl is exact but slow (some µs a call), so offsets are kept per UTC day. No zone since 2000 moves its clock twice in
 * one UTC day, and the days that data falls on are few.
 */
class IntlZone implements Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, DayOffsets>();

  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  offsetAt(instant: Instant): number {
    const day = this.#offsetsOf(Math.floor(instant / MS_PER_DAY));
    return instant < day.movedAt ? day.before : day.after;
  }

  dayOf(instant: Instant): LocalDay {
    return Math.floor((instant + this.offsetAt(instant)) / MS_PER_DAY);
  }

  toInstant(local: number): Instant {
    const early = this.offsetAt(local - MS_PER_DAY);
    const late = this.offsetAt(local + MS_PER_DAY);
    if (early === late && this.offsetAt(local - early) === early) return local - early;
    const smaller = Math.min(early, late);
    const greater = Math.max(early, late);
    // The smaller offset wins where both readings hold (a repeated hour) and where neither does (a skipped one).
    const greaterHolds = this.offsetAt(local - greater) === greater;
    const smallerHolds = this.offsetAt(local - smaller) === smaller;
    return local - (greaterHolds && !smallerHolds ? greater : smaller);
  }

  #offsetsOf(day: number): DayOffsets {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const start = day * MS_PER_DAY;
    const before = this.#measure(start);
    const after = this.#measure(start + MS_PER_DAY - 1000);
    let low = start;
    let high = start + MS_PER_DAY - 1000;
    while (before !== after && high - low > 1000) {
      const middle = low + Math.floor((high - low) / 2000) * 1000;
      if (this.#measure(middle) === before) low = middle;
      else high = middle;
    }
    const offsets = { before, after, movedAt: before === after ? start : high };
    this.#days.set(day, offsets);
    return offsets;
  }

  #measure(instant: Instant): number {
    const parts: Record<string, string> = {};
    for (const part of this.#format.formatToParts(instant)) parts[part.type] = part.value;
    const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year']);
    const local = new Date(0);
    local.setUTCFullYear(year, Number(parts['month']) - 1, Number(parts['day']));
    local.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']));
    return local.getTime() - Math.floor(instant / 1000) * 1000;
  }
}
