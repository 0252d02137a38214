import { longDay, t } from '../i18n/index.ts';

/**
 * Whether nothing has happened in a course for a while: its as-of stops six days after the last fact. If it is only one day
 * behind, the course may just not have reached the new day yet.
 */
export const isAtRest = (asOf: string | null, today: string | null): boolean =>
  asOf !== null && today !== null && Date.parse(today) - Date.parse(asOf) > DAY_MS;

const DAY_MS = 86_400_000;

/** How long a course goes on after its last fact, so that its last week is whole: DAYS_AFTER_LAST_FACT of the families. */
const RUN_OUT_DAYS = 6;

/** The day on which something happened last in a course at rest. */
export const lastDayOf = (asOf: string): string =>
  new Date(Date.parse(asOf) - RUN_OUT_DAYS * DAY_MS).toISOString().slice(0, 10);

interface AsOfProps {
  readonly day: string;
  /** At the institution; null until it is known. */
  readonly today: string | null;
}

/** The day that a page speaks for and, if it is not today, why: otherwise "this week" would be misunderstood. */
export const AsOf = ({ day, today }: AsOfProps) =>
  isAtRest(day, today) ? (
    <p class="notice">{t('course.rest', { last: longDay(lastDayOf(day)), day: longDay(day) })}</p>
  ) : (
    <p class="muted small">{t('course.asOf', { day: longDay(day) })}</p>
  );
