/** A day of the calendar, as whole days since 1970-01-01. No zone, no time. */
export type LocalDay = number;

export const MS_PER_DAY = 86_400_000;

/** `YYYY-MM-DD`. */
export const formatDay = (day: LocalDay): string => new Date(day * MS_PER_DAY).toISOString().slice(0, 10);

/** @throws RangeError when the text is not a day of the calendar in the form `YYYY-MM-DD`. */
export function parseDay(text: string): LocalDay {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || formatDay(ms / MS_PER_DAY) !== text) {
    throw new RangeError(`not a day: "${text}" (expected YYYY-MM-DD)`);
  }
  return ms / MS_PER_DAY;
}

/** The earlier of two days, where null is "none". */
export const earlierDay = (a: LocalDay | null, b: LocalDay | null): LocalDay | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

/** The later of two days, where null is "none". */
export const laterDay = (a: LocalDay | null, b: LocalDay | null): LocalDay | null =>
  a === null ? b : b === null ? a : Math.max(a, b);
