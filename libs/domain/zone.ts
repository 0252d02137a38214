import { type LocalDay, MS_PER_DAY } from './local-date.ts';

/** Milliseconds since 1970-01-01T00:00Z. */
export type Instant = number;

/**
 * A time zone of the IANA database, with the two conversions that features need. The rules are those of Postgres's
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
 * A zone according to this Node, which may differ from Postgres: whatever is stored uses the database's zones.
 * @param name `UTC` or an area and a place, `Europe/Paris`. Abbreviations are refused: `CET` is one offset all year to
 * Postgres and a zone with summer time to others.
 * @throws RangeError when the name is not a zone
 */
export function openZone(name: string): Zone {
  if (UTC_NAMES.has(name)) return utc(name);
  if (!name.includes('/'))
    throw new RangeError(`not a time zone: "${name}" (expected an area and a place, Europe/Paris)`);
  const offsets = new IntlOffsets(name);
  return zoneOf(name, (instant) => offsets.at(instant));
}

/** A moment at which a zone's UTC offset changes. */
export interface Transition {
  readonly at: Instant;
  /** Local minus UTC from then on, milliseconds. */
  readonly offset: number;
}

/**
 * A zone defined by its transitions.
 * @param first local minus UTC before the first one, milliseconds
 * @param transitions in order of time
 */
export function tableZone(name: string, first: number, transitions: readonly Transition[]): Zone {
  const starts = [Number.NEGATIVE_INFINITY, ...transitions.map(({ at }) => at)];
  const offsets = [first, ...transitions.map(({ offset }) => offset)];
  // Rows mostly come in order of time, so the interval of the last one is tried first.
  let index = 0;
  return zoneOf(name, (instant) => {
    if (instant < (starts[index] ?? 0) || instant >= (starts[index + 1] ?? Number.POSITIVE_INFINITY)) {
      let low = 0;
      for (let high = starts.length; high - low > 1; ) {
        const middle = (low + high) >>> 1;
        if ((starts[middle] ?? 0) <= instant) low = middle;
        else high = middle;
      }
      index = low;
    }
    return offsets[index] ?? 0;
  });
}

const zoneOf = (name: string, offsetAt: (instant: Instant) => number): Zone => ({
  name,
  offsetAt,
  dayOf: (instant) => Math.floor((instant + offsetAt(instant)) / MS_PER_DAY),
  toInstant: (local) => {
    const early = offsetAt(local - MS_PER_DAY);
    const late = offsetAt(local + MS_PER_DAY);
    if (early === late && offsetAt(local - early) === early) return local - early;
    const smaller = Math.min(early, late);
    const greater = Math.max(early, late);
    // The smaller offset wins if both readings hold (a repeated hour) or neither does (a skipped one).
    const greaterHolds = offsetAt(local - greater) === greater;
    const smallerHolds = offsetAt(local - smaller) === smaller;
    return local - (greaterHolds && !smallerHolds ? greater : smaller);
  },
});

const utc = (name: string): Zone => tableZone(name, 0, []);

export const UTC: Zone = utc('UTC');

/** Whether the zone's name is one of UTC's, which need no zone data. */
export const isUtc = ({ name }: Pick<Zone, 'name'>): boolean => UTC_NAMES.has(name);

/** Offsets at both ends of a UTC day and, if they differ, the instant at which the clock changes. */
interface DayOffsets {
  readonly before: number;
  readonly after: number;
  readonly movedAt: number;
}

/**
 * Offsets according to this Node. Intl is exact but slow (some µs a call), so they are cached per UTC day. Since 2000 no
 * zone has changed its clock twice in one UTC day, and data falls on few days.
 */
class IntlOffsets {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, DayOffsets>();

  constructor(name: string) {
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

  at(instant: Instant): number {
    const day = this.#offsetsOf(Math.floor(instant / MS_PER_DAY));
    return instant < day.movedAt ? day.before : day.after;
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
