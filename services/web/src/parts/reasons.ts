import type { FlagName } from '#libs/domain/flags.ts';
import type { OpenAttention } from '#libs/serve/attention.ts';
import type { StudentMetrics } from '#libs/serve/student-metrics.ts';
import { listText, t } from '../i18n/index.ts';

/** After this many days without activity it is said how long it has been. */
const QUIET_DAYS = 5;
const WINDOW_DAYS = 30;
/** The days whose active ones are compared with the class; of who came later, fewer. */
const ABSENT_DAYS = 21;
/** A student of this many days or more has been there throughout the window. */
const WHOLE_CURVE_DAYS = 28;

export interface Activity {
  readonly days_inactive: number | null;
  readonly active_days_30d: number | null;
  /** The days since the student's first one in the course, up to 28 at least; 0: not known. */
  readonly days: number;
}

type Reasons = Pick<OpenAttention, 'absent' | 'missing_work' | 'low_marks'>;

export interface Reason {
  readonly reason: keyof Reasons;
  readonly sentence: string;
}

/** Why a student needs attention: a sentence for each reason, with its evidence. */
export function reasonSentences(reasons: Reasons, activity: Activity): Reason[] {
  const { absent, missing_work, low_marks } = reasons;
  return [
    ...(absent === null ? [] : [{ reason: 'absent' as const, sentence: absentText(absent, activity) }]),
    ...(missing_work === null ? [] : [{ reason: 'missing_work' as const, sentence: missingText(missing_work) }]),
    ...(low_marks === null ? [] : [{ reason: 'low_marks' as const, sentence: marksText(low_marks) }]),
  ];
}

function absentText(absent: NonNullable<Reasons['absent']>, activity: Activity): string {
  const usual = t('reason.usual', { usual: Math.round(absent.baseline ?? 0), n: ABSENT_DAYS });
  if (activity.days_inactive === null) return `${t('reason.never')}${t('join')}${usual}`;
  const quiet = quietText(activity);
  if (quiet !== null) return `${quiet}${t('join')}${usual}`;
  const days = activity.days === 0 ? ABSENT_DAYS : Math.min(ABSENT_DAYS, activity.days);
  return `${t('reason.absent', { n: absent.value, days })}${t('join')}${usual}`;
}

/** "last active 6 days ago; before, active 4 days a week"; null if the student was active more recently. */
export function quietText({ days_inactive, active_days_30d, days }: Activity): string | null {
  if (days_inactive === null || days_inactive < QUIET_DAYS) return null;
  const quiet = days_inactive >= 60 ? t('reason.gone') : t('reason.lastActive', { n: days_inactive });
  const before = (days < WHOLE_CURVE_DAYS ? days : WINDOW_DAYS) - days_inactive;
  const aWeek = active_days_30d === null || before < 7 ? 0 : Math.round((7 * active_days_30d) / before);
  return aWeek === 0 ? quiet : `${quiet}${t('join')}${t('reason.before', { n: aWeek })}`;
}

const marksText = ({ value, graded }: NonNullable<Reasons['low_marks']>): string =>
  t('reason.marks', { points: Math.round(Math.abs(value)), n: graded ?? 0 });

/** Who has no mark may have handed in all the same: it is said only what the course records. */
function missingText({ value, baseline, source, items }: NonNullable<Reasons['missing_work']>): string {
  const missing = t(`reason.missing.${source ?? 'submission'}`, { n: value, owed: baseline ?? value });
  if (items === undefined || items.length === 0) return missing;
  // The server names five at most.
  const others = value > items.length ? [t('reason.more', { n: value - items.length })] : [];
  return `${missing} (${listText([...items, ...others])})`;
}

/** Whether any of these flags is known to be open or closed. */
export const isAnyJudged = (
  { unsupported }: Pick<StudentMetrics, 'unsupported'>,
  flags: readonly FlagName[],
): boolean => unsupported !== null && flags.some((flag) => !unsupported.includes(flag));
