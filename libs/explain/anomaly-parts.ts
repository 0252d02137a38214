import { activityBy, hasFlag } from '#libs/derive/anomaly/anomaly-series.ts';
import type { AnomalyFeatures } from '#libs/derive/anomaly/flags.ts';
import { gradedOn, gradesApart, LEAST_ITEMS, lastNewsDay } from '#libs/derive/anomaly/graded.ts';
import { limitOf, type Others, othersOfSmall } from '#libs/derive/anomaly/modified-z.ts';
import { COMMON_LIMIT, LEAST_LIMIT, LONGEST_IDLE } from '#libs/derive/anomaly/own-gap.ts';
import { LEAST_ACTIVE_DAYS, LEAST_DAYS, SCORE_UNIT, usualIndexes } from '#libs/derive/anomaly/usual.ts';
import { SETTING_DECIMALS } from '#libs/domain/components.ts';
import { type AttentionReason, FLAG_NAMES, type FlagName, type OwnPastFlagName } from '#libs/domain/flags.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { formatScaled, roundRatio } from '#libs/domain/rational.ts';
import { ATTENTION_PARTS } from './attention-parts.ts';
import type { Grounds } from './grounds.ts';
import { dayShown, type Parts, type PartsOf, runsOf } from './parts.ts';

/** The days on which the flag was open. */
const openDays = ({ series }: Grounds, name: OwnPastFlagName) =>
  runsOf((series?.bits ?? []).flatMap((open, index) => (hasFlag(open, name) ? [(series?.firstDay ?? 0) + index] : [])));

/** Median and limit in points; the values they are computed from are shown beside them. */
function limitParts(others: Others, unit: bigint, { settings }: Grounds): Parts {
  const limit = limitOf(others, unit, settings.outlierThreshold);
  return {
    median: Number(roundRatio(others.medianTimes2, 2n * unit, 2)),
    limit: Number(roundRatio(limit.numerator, limit.denominator * unit, 2)),
    outlier_threshold: Number(formatScaled(settings.outlierThreshold, SETTING_DECIMALS)),
  };
}

const engagement =
  (name: 'engagement_drop' | 'engagement_spike') =>
  (grounds: Grounds): Parts => {
    const { key, asOf } = grounds;
    const firstDay = key.firstDay ?? asOf;
    const points = (index: number): number | null => {
      const value = key.ma7[index] ?? null;
      return value === null ? null : value / Number(SCORE_UNIT);
    };
    const usual = usualIndexes(asOf - firstDay).filter((index) => points(index) !== null);
    const values = usual.flatMap((index) => key.ma7[index] ?? []).sort((a, b) => a - b);
    return {
      engagement_ma7: points(asOf - firstDay),
      compared_with: usual.map((index) => ({
        day: formatDay(firstDay + index),
        engagement_ma7: points(index),
        active: (key.score[index] ?? 0) > 0,
      })),
      least_days: LEAST_DAYS,
      least_active_days: LEAST_ACTIVE_DAYS,
      ...(values.length === 0 ? {} : limitParts(othersOfSmall(values), SCORE_UNIT, grounds)),
      open_days: openDays(grounds, name),
    };
  };

function inactivity(grounds: Grounds): Parts {
  const { activeDays, countedFrom } = activityBy(grounds.key, grounds.asOf);
  return {
    as_of: formatDay(grounds.asOf),
    counted_from: dayShown(countedFrom),
    active_days: runsOf(activeDays),
    least_limit: LEAST_LIMIT,
    limit_under_three_active_days: COMMON_LIMIT,
    most_days: LONGEST_IDLE,
    open_days: openDays(grounds, 'inactivity'),
  };
}

const grades =
  (name: 'grade_drop' | 'grade_spike' | 'grade_outlier') =>
  (grounds: Grounds): Parts => {
    const { key, asOf, settings } = grounds;
    const items = gradedOn(key.graded, asOf);
    const apart = gradesApart(items, settings.outlierThreshold);
    const shown = items.map(({ item, points, max, day }) => ({
      item,
      percent: Number(roundRatio(100n * points, max, 6)),
      day: formatDay(day),
      news_until: formatDay(lastNewsDay(day)),
    }));
    const limits = apart === null || name === 'grade_outlier' ? {} : limitParts(apart.others, apart.unit, grounds);
    return {
      as_of: formatDay(asOf),
      least_items: LEAST_ITEMS,
      items: shown,
      ...limits,
      open_days: openDays(grounds, name),
    };
  };

/** How much data there is to judge a flag by, and how much is needed. */
const amount =
  (of: (grounds: Grounds) => number, least: (grounds: Grounds) => number) =>
  (grounds: Grounds): Parts => ({ there_are: of(grounds), least: least(grounds) });

function usualData(grounds: Grounds): Parts {
  const days = engagement('engagement_drop')(grounds)['compared_with'] as readonly { readonly active: boolean }[];
  const active = days.filter((day) => day.active).length;
  return { there_are: days.length, least: LEAST_DAYS, active_days: active, least_active_days: LEAST_ACTIVE_DAYS };
}

const reasonData =
  (name: AttentionReason) =>
  (grounds: Grounds): Parts => ({ points: ATTENTION_PARTS[name](grounds)['points'] ?? null });

const gradeData = amount(
  ({ key, asOf }) => gradedOn(key.graded, asOf).length,
  () => LEAST_ITEMS,
);

const ANOMALY_DATA: Readonly<Record<FlagName, (grounds: Grounds) => Parts>> = {
  attention: amount(
    (grounds) => Number(ATTENTION_PARTS.attention(grounds)['attending'] ?? 0),
    ({ settings }) => settings.leastClass,
  ),
  absent: reasonData('absent'),
  missing_work: reasonData('missing_work'),
  low_marks: reasonData('low_marks'),
  engagement_drop: usualData,
  engagement_spike: usualData,
  inactivity: (grounds) => {
    const { active_days: days, counted_from: from } = inactivity(grounds);
    return { active_days: days, counted_from: from };
  },
  grade_drop: gradeData,
  grade_spike: gradeData,
  grade_outlier: gradeData,
};

export const ANOMALY_PARTS: PartsOf<AnomalyFeatures> = {
  ...ATTENTION_PARTS,
  engagement_drop: engagement('engagement_drop'),
  engagement_spike: engagement('engagement_spike'),
  inactivity,
  grade_drop: grades('grade_drop'),
  grade_spike: grades('grade_spike'),
  grade_outlier: grades('grade_outlier'),
  unsupported: (grounds) => Object.fromEntries(FLAG_NAMES.map((name) => [name, ANOMALY_DATA[name](grounds)])),
};
