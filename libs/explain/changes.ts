import { activityBy } from '#libs/derive/anomaly/anomaly-series.ts';
import { gradedOn, gradesApart, isNews, lastNewsDay } from '#libs/derive/anomaly/graded.ts';
import { idleFinding, idleRanges } from '#libs/derive/anomaly/own-gap.ts';
import type { EngagementComponent } from '#libs/domain/components.ts';
import { ATTENTION_FLAGS, type AttentionFlagName } from '#libs/domain/flags.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { attentionChanges } from './attention-changes.ts';
import type { Grounds } from './grounds.ts';
import type { EffectCode, WouldChange } from './parts.ts';
import { gainOf } from './score-parts.ts';

const ONE = 1000n;
const MINUTE = 60_000n;

/** One step of each component: in thousandths, time in milliseconds. */
const MORE: Readonly<Record<EngagementComponent, readonly [words: string, amount: bigint]>> = {
  logins: ['one more login', ONE],
  time: ['ten more minutes', 10n * MINUTE],
  forum_posts: ['one more forum post', ONE],
  resources: ['one more resource viewed', ONE],
};

const moreOfEach = (grounds: Grounds): WouldChange[] =>
  (Object.keys(MORE) as EngagementComponent[]).flatMap((component) => {
    const [change, amount] = MORE[component];
    const gain = gainOf(grounds, component, amount);
    if (gain === null) return [];
    const codes = { change_code: `more_${component}`, effect_code: 'gain' } as const;
    return [{ change, effect: `+${gain.toFixed(2)}`, ...codes, values: { gain: gain.toFixed(2) } }];
  });

/** inactivity closes with any activity; it opens by itself, and closes again when the student counts as gone. */
function idle(grounds: Grounds): WouldChange[] {
  const { asOf } = grounds;
  const activity = activityBy(grounds.key, asOf);
  const ranges = idleRanges(activity, asOf + MOST_AHEAD);
  if (idleFinding(activity, asOf) !== null) {
    const left = ranges.findLast(({ from }) => from <= asOf);
    const until = left === undefined ? [] : [inactiveUntil(left.to + 1, 'closes: gone', 'closes_gone')];
    const active = { change: 'active on any day', change_code: 'active_any_day' } as const;
    return [{ ...active, effect: 'closes', effect_code: 'closes', values: {} }, ...until];
  }
  const next = ranges.find(({ from }) => from > asOf);
  return next === undefined ? [] : [inactiveUntil(next.from, 'opens', 'opens')];
}

function inactiveUntil(day: LocalDay, effect: string, effect_code: EffectCode): WouldChange {
  const change = `no active day until ${formatDay(day)}`;
  return { change, effect, change_code: 'inactive_until', effect_code, values: { day: formatDay(day) } };
}

/** How many days to look ahead: any limit that opens at all has opened by then. */
const MOST_AHEAD = 90;

const ownScore =
  (name: 'engagement_drop' | 'engagement_spike') =>
  ({ anomaly }: Grounds): WouldChange[] => {
    const open = anomaly?.[name] ?? null;
    if (open === null) return [];
    const side = name === 'engagement_drop' ? 'above' : 'below';
    const limit = open.threshold.toFixed(2);
    return [
      {
        change: `engagement_ma7 ${side} ${limit}`,
        effect: 'closes, as long as the days it is compared with are the same',
        change_code: `ma7_${side}`,
        effect_code: 'closes_while_same',
        values: { limit },
      },
    ];
  };

const grade =
  (name: 'grade_drop' | 'grade_spike' | 'grade_outlier') =>
  ({ anomaly, key, asOf, settings }: Grounds): WouldChange[] => {
    if ((anomaly?.[name] ?? null) === null) return [];
    const apart = gradesApart(gradedOn(key.graded, asOf), settings.outlierThreshold);
    if (apart === null) return [];
    const items = name === 'grade_outlier' ? apart.beyond.map(({ item }) => item) : [apart.last];
    const until = Math.max(...items.filter((item) => isNews(item, asOf)).map(({ day }) => lastNewsDay(day)));
    return name === 'grade_outlier' ? [agedOn(until + 1)] : [OTHER_GRADED, agedOn(until + 1)];
  };

const OTHER_GRADED: WouldChange = {
  change: 'another item graded',
  effect: 'is judged in its place',
  change_code: 'other_graded',
  effect_code: 'judged_instead',
  values: {},
};

const agedOn = (day: LocalDay): WouldChange => ({
  change: `no other grade until ${formatDay(day)}`,
  effect: 'closes: it is no news any more',
  change_code: 'no_grade_until',
  effect_code: 'closes_old_news',
  values: { day: formatDay(day) },
});

const CHANGES: Readonly<Record<string, (grounds: Grounds) => WouldChange[]>> = {
  engagement_score: moreOfEach,
  engagement_components: moreOfEach,
  inactivity: idle,
  engagement_drop: ownScore('engagement_drop'),
  engagement_spike: ownScore('engagement_spike'),
  grade_drop: grade('grade_drop'),
  grade_spike: grade('grade_spike'),
  grade_outlier: grade('grade_outlier'),
};

/**
 * For scores and flags; empty for other features. Empty also for a course that stands still: anything that happened there now
 * would move the day it speaks for, and with it everything counted up to that day.
 */
export function changesOf(feature: string, grounds: Grounds): WouldChange[] {
  if (grounds.asOf < grounds.course.today) return [];
  return isAttention(feature) ? attentionChanges(grounds, feature) : (CHANGES[feature]?.(grounds) ?? []);
}

const isAttention = (name: string): name is AttentionFlagName => ATTENTION_FLAGS.some((flag) => flag === name);
