import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { type AttentionFlags, attentionFlags, unknownAttention } from '../attention/attention.ts';
import { type AnomalyKey, type AnomalySeries, activityBy, anomalySeries, hasFlag } from './anomaly-series.ts';
import {
  type AnomalyFeatures,
  type AnomalySettings,
  type Flag,
  type FlagFinding,
  OWN_PAST_FLAGS,
  type OwnPastFlagName,
} from './flags.ts';
import { type GradedItem, gradedOn, gradesApart, hasGrades, isNews } from './graded.ts';
import { outlierFinding } from './modified-z.ts';
import { type ActivityDays, idleFinding } from './own-gap.ts';
import { farthest, fenceFinding } from './tukey.ts';
import { hasUsual, SCORE_UNIT, unusualAt } from './usual.ts';

/**
 * The row of a key that has one, as of a day.
 * @param series from the same key and settings
 * @param day not after the key's as of
 */
export function anomalyFeatures(
  key: AnomalyKey,
  settings: AnomalySettings,
  series: AnomalySeries | null = anomalySeries(key, settings),
  day: LocalDay = key.asOf,
): AnomalyFeatures {
  const index = key.firstDay === null ? -1 : day - key.firstDay;
  const view: View = {
    index,
    day,
    threshold: settings.outlierThreshold,
    activity: activityBy(key, day),
    items: gradedOn(key.graded, day),
  };
  const findings = { ...engagementFindings(key, view), ...gradeFindings(view) };
  const flag = (name: OwnPastFlagName): Flag | null => {
    const finding = findings[name];
    return finding && { since: formatDay(day - daysOpenBefore(series, name, index)), ...finding };
  };
  return {
    ...(series === null ? NO_ATTENTION : attentionFlags(series.attentionKey, series.attention, index, settings)),
    engagement_drop: flag('engagement_drop'),
    engagement_spike: flag('engagement_spike'),
    inactivity: flag('inactivity'),
    grade_drop: flag('grade_drop'),
    grade_spike: flag('grade_spike'),
    grade_outlier: flag('grade_outlier'),
    unsupported: [
      ...unknownAttention(key.numbers, day, series?.attention ?? null, index),
      ...unsupported(key, view),
    ].sort(),
  };
}

const NO_ATTENTION: AttentionFlags = { attention: null, absent: null, missing_work: null, low_marks: null };

/** What is known on a day, looked up once. */
interface View {
  /** Index of the day, counted from the key's first one. */
  readonly index: number;
  readonly day: LocalDay;
  readonly threshold: bigint;
  readonly activity: ActivityDays;
  readonly items: readonly GradedItem[];
}

/** Length of the run of days just before the one at `index` on which the flag was open. */
function daysOpenBefore(series: AnomalySeries | null, name: OwnPastFlagName, index: number): number {
  let first = index;
  while (hasFlag(series?.bits[first - 1], name)) first -= 1;
  return index - first;
}

type Findings<N extends OwnPastFlagName> = Readonly<Record<N, FlagFinding | null>>;

function engagementFindings(
  key: AnomalyKey,
  { index, day, threshold, activity }: View,
): Findings<'engagement_drop' | 'engagement_spike' | 'inactivity'> {
  const outlier = unusualAt(key, index, threshold);
  const finding = outlier && outlierFinding(outlier, SCORE_UNIT);
  return {
    engagement_drop: outlier?.side === 'drop' ? finding : null,
    engagement_spike: outlier?.side === 'spike' ? finding : null,
    inactivity: idleFinding(activity, day),
  };
}

function gradeFindings({ items, day, threshold }: View): Findings<'grade_drop' | 'grade_spike' | 'grade_outlier'> {
  const apart = gradesApart(items, threshold);
  if (apart === null) return { grade_drop: null, grade_spike: null, grade_outlier: null };
  const { unit, last, outlier, beyond } = apart;
  const finding = outlier !== null && isNews(last, day) ? outlierFinding(outlier, unit, last.item) : null;
  const most = farthest(beyond.filter(({ item }) => isNews(item, day)));
  return {
    grade_drop: outlier?.side === 'drop' ? finding : null,
    grade_spike: outlier?.side === 'spike' ? finding : null,
    grade_outlier: most && fenceFinding(most, unit, most.item.item),
  };
}

/** The flags without their minimum of data. A flag that has its data, but no value to judge on the day, is closed. */
function unsupported(key: AnomalyKey, { index, activity, items }: View): OwnPastFlagName[] {
  const usual = hasUsual(key, index);
  const grades = hasGrades(items);
  const supported: Readonly<Record<OwnPastFlagName, boolean>> = {
    engagement_drop: usual,
    engagement_spike: usual,
    inactivity: activity.activeDays.length > 0 || activity.countedFrom !== null,
    grade_drop: grades,
    grade_spike: grades,
    grade_outlier: grades,
  };
  return OWN_PAST_FLAGS.filter((name) => !supported[name]);
}
