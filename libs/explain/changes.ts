import { activityBy } from '#libs/derive/anomaly/anomaly-series.ts';
import { gradesApart, isNews, lastNewsDay } from '#libs/derive/anomaly/graded.ts';
import { idleFinding, idleRanges } from '#libs/derive/anomaly/own-gap.ts';
import type { EngagementComponent } from '#libs/domain/components.ts';
import { ATTENTION_FLAGS, type AttentionFlagName } from '#libs/domain/flags.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { attentionChanges } from './attention-changes.ts';
import type { Grounds } from './grounds.ts';
import type { WouldChange } from './parts.ts';
import { gainOf } from './score-parts.ts';

const ONE = 1000n;
const MINUTE = 60_000n;

/** One more of each component: in thousandths, of time in milliseconds. */
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
    return gain === null ? [] : [{ change, effect: `+${gain.toFixed(2)}` }];
  });

/** inactivity closes with any activity; it opens by itself, and closes again when the student is taken to have left. */
function idle(grounds: Grounds): WouldChange[] {
  const { asOf } = grounds;
  const activity = activityBy(grounds.key, asOf);
  const ranges = idleRanges(activity, asOf + MOST_AHEAD);
  if (idleFinding(activity, asOf) !== null) {
    const left = ranges.findLast(({ from }) => from <= asOf);
    const until =
      left === undefined ? [] : [{ change: `no active day until ${formatDay(left.to + 1)}`, effect: 'closes: gone' }];
    return [{ change: 'active on any day', effect: 'closes' }, ...until];
  }
  const next = ranges.find(({ from }) => from > asOf);
  return next === undefined ? [] : [{ change: `no active day until ${formatDay(next.from)}`, effect: 'opens' }];
}

/** So far ahead any limit that opens at all has opened. */
const MOST_AHEAD = 90;

const ownScore =
  (name: 'engagement_drop' | 'engagement_spike') =>
  ({ anomaly }: Grounds): WouldChange[] => {
    const open = anomaly?.[name] ?? null;
    const side = name === 'engagement_drop' ? 'above' : 'below';
    return open === null
      ? []
      : [
          {
            change: `engagement_ma7 ${side} ${open.threshold.toFixed(2)}`,
            effect: 'closes, as long as the days it is compared with are the same',
          },
        ];
  };

const grade =
  (name: 'grade_drop' | 'grade_spike' | 'grade_outlier') =>
  ({ anomaly, key, asOf, settings }: Grounds): WouldChange[] => {
    if ((anomaly?.[name] ?? null) === null) return [];
    const apart = gradesApart(key.graded.findLast(({ from }) => from <= asOf)?.items ?? [], settings.outlierThreshold);
    if (apart === null) return [];
    const items = name === 'grade_outlier' ? apart.beyond.map(({ item }) => item) : [apart.last];
    const until = Math.max(...items.filter((item) => isNews(item, asOf)).map(({ day }) => lastNewsDay(day)));
    const aged = { change: `no other grade until ${formatDay(until + 1)}`, effect: 'closes: it is no news any more' };
    return name === 'grade_outlier'
      ? [aged]
      : [{ change: 'another item graded', effect: 'is judged in its place' }, aged];
  };

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

/** Of scores and flags; of others none. */
export const changesOf = (feature: string, grounds: Grounds): WouldChange[] =>
  isAttention(feature) ? attentionChanges(grounds, feature) : (CHANGES[feature]?.(grounds) ?? []);

const isAttention = (name: string): name is AttentionFlagName => ATTENTION_FLAGS.some((flag) => flag === name);
