import type { LocalMillis } from '#libs/domain/change.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The wall clock of `zone` at an instant, as an LMSConnector there writes it into a column without a zone. */
export function localMillis(instant: number, zone = 'UTC'): LocalMillis {
  if (zone === 'UTC') return Math.floor(instant);
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const whole = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return whole + (((Math.floor(instant) % SECOND) + SECOND) % SECOND);
}

export const startOfDay = (local: LocalMillis): LocalMillis => Math.floor(local / DAY) * DAY;

/** Monday = 0 … Sunday = 6. 1970-01-01 was a Thursday. */
export const localWeekday = (local: LocalMillis): number => (((Math.floor(local / DAY) + 3) % 7) + 7) % 7;

/** `YYYY-MM-DDTHH:MM:SS.mmm`, without a zone. */
export const timestampText = (local: LocalMillis): string => new Date(local).toISOString().slice(0, 23);

/** `YYYY-MM-DD`. */
export const dateText = (local: LocalMillis): string => new Date(local).toISOString().slice(0, 10);
