import { ENGAGEMENT_COMPONENTS } from '#libs/domain/components.ts';
import { FLAG_NAMES } from '#libs/domain/flags.ts';
import { parseDay } from '#libs/domain/local-date.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import { WEEKDAY_NAMES } from '#libs/features/units.ts';
import { ANOMALY_RECOMPUTED } from './recompute-flags.ts';
import { big, covered, daysOf, lengths, percentOf, type Recompute, type Shown, sum } from './shown.ts';

/* What a reader of the parts would compute: each value again, from nothing but what is shown, with none of the functions that derive it. */

const events = covered(({ events }) => events);
const resources = covered(({ resources }) => resources.length);
const seconds: Recompute = ({ source, seconds }) => (source === null ? null : Math.round(seconds));
const dayCount = covered(({ active_days }) => sum(lengths(active_days)));
const completions = covered(({ resources }) => resources.filter(({ done }: Shown) => done).length);

/** 100·Σ w·min(1, x/t) / Σ w, as one fraction. */
function score({ components, days }: Shown): string | null {
  let [numerator, denominator, weights] = [0n, 1n, 0n];
  for (const name of ENGAGEMENT_COMPONENTS) {
    const { value, target_a_week: target, weight, covered: counts } = components[name];
    if (!counts) continue;
    const full = big(target, 6) * BigInt(days);
    const done = big(value, 6) * 7n;
    numerator = numerator * full + big(weight, 6) * (done < full ? done : full) * denominator;
    denominator *= full;
    weights += big(weight, 6);
  }
  return weights === 0n ? null : roundRatio(100n * numerator, denominator * weights, 2);
}

const shownComponents: Recompute = ({ components }) =>
  Object.fromEntries(
    ENGAGEMENT_COMPONENTS.map((name) => {
      const { value, target_a_week: target, weight, covered: counts } = components[name];
      return [name, { value: value === null ? null : Math.round(value), target, weight, covered: counts }];
    }),
  );

const meanScore: Recompute = ({ daily_scores: days }) =>
  days.length === 0
    ? null
    : roundRatio(
        days.reduce((total: bigint, { score: value }: Shown) => total + big(value, 2), 0n),
        BigInt(days.length) * 100n,
        2,
      );

/** Least squares over (x, y), y in 10^-decimals. */
function slope(points: readonly (readonly [number, bigint])[], times: bigint, over: bigint): string | null {
  const n = BigInt(points.length);
  const add = (of: (x: bigint, y: bigint) => bigint): bigint =>
    points.reduce((total, [x, y]) => total + of(BigInt(x), y), 0n);
  const [x, y, xx, xy] = [add((a) => a), add((_, b) => b), add((a) => a * a), add((a, b) => a * b)];
  return roundRatio(times * (n * xy - x * y), over * (n * xx - x * x), 6);
}

const scoreTrend: Recompute = ({ daily_scores: days }) =>
  days.length < 7
    ? null
    : slope(
        days.map(({ day, score: value }: Shown) => [parseDay(day), big(value, 2)] as const),
        1n,
        100n,
      );

const entropyPeak = (counts: readonly number[]): string | null => {
  const total = sum(counts);
  if (total === 0) return null;
  const entropy = -sum(counts.map((count) => (count === 0 ? 0 : (count / total) * Math.log2(count / total))));
  return ((Math.log2(counts.length) - entropy) * Math.max(...counts)).toFixed(6);
};
const modulus = (counts: readonly number[]): string | null => {
  if (sum(counts) === 0) return null;
  const angles = counts.map((_, k) => (-2 * Math.PI * k) / counts.length);
  return Math.hypot(
    sum(counts.map((count, k) => count * Math.cos(angles[k] ?? 0))),
    sum(counts.map((count, k) => count * Math.sin(angles[k] ?? 0))),
  ).toFixed(6);
};

function weekSimilarity({ weeks }: Shown): string | null {
  if (weeks.length < 2) return null;
  const at = (week: Shown): number => parseDay(week.monday) / 7;
  const span = BigInt(Math.round(Math.max(...weeks.map(at)) - Math.min(...weeks.map(at))) + 1);
  let total = 0;
  weeks.forEach((one: Shown, index: number) => {
    for (const other of weeks.slice(index + 1)) {
      const both = one.active.filter((name: string) => other.active.includes(name)).length;
      total += (420 * both) / Math.max(one.active.length, other.active.length);
    }
  });
  return roundRatio(BigInt(Math.round(total)), (420n * (span * (span - 1n))) / 2n, 6);
}

function pattern({ events: counts }: Shown): unknown {
  const total = sum(Object.values(counts));
  if (total === 0) return null;
  return Object.fromEntries(
    WEEKDAY_NAMES.map((name) => [name, Number(roundRatio(BigInt(counts[name]), BigInt(total), 4))]),
  );
}

const ENGAGEMENT: Readonly<Record<string, Recompute>> = {
  enrolled_at: ({ enrolments }) => (enrolments.length === 0 ? null : Math.min(...enrolments.map(Date.parse))),
  events_count: events,
  active_days_count: dayCount,
  activity_scope: ({ as_of, events_from: any, events_of_the_course_from: own }) =>
    any !== null && any <= as_of && (own === null || own > as_of) ? 'site' : 'course',
  login_count: events,
  login_count_7d: events,
  login_count_30d: events,
  views_7d: events,
  views_30d: events,
  resources_viewed_count: resources,
  forum_posts_count: events,
  forum_posts_30d: events,
  total_time_spent: seconds,
  time_spent_7d: seconds,
  time_spent_30d: seconds,
  time_source: ({ as_of, durations_from: durations, views_from: views }) => {
    if (durations !== null && durations <= as_of) return 'recorded';
    return views !== null && views <= as_of ? 'estimated' : null;
  },
  sessions_30d: covered(({ began_at }) => began_at.length),
  active_days_7d: dayCount,
  active_days_30d: dayCount,
  login_frequency: covered(({ active_days, weeks }) => (sum(lengths(active_days)) / weeks).toFixed(2)),
  last_activity_at: ({ last_event_at: event, last_completion_at: completion }) => {
    const times = [event, completion].filter((at) => at !== null).map((at) => Date.parse(at));
    return times.length === 0 ? null : Math.max(...times);
  },
  days_inactive: ({ as_of, active_days: days }) =>
    days.length === 0 ? null : Math.min(90, parseDay(as_of) - parseDay(days.at(-1).to)),
  current_streak_days: covered(({ as_of, active_days: days }) =>
    days.length > 0 && parseDay(days.at(-1).to) >= parseDay(as_of) - 1 ? lengths(days).at(-1) : 0,
  ),
  longest_streak_days: covered(({ active_days }) => Math.max(0, ...lengths(active_days))),
  longest_gap_days: covered(({ active_days }) => {
    const days = daysOf(active_days);
    return days.length < 2 ? null : Math.max(...days.slice(1).map((day, n) => day - (days[n] ?? 0) - 1));
  }),
  absence_days_last_30: covered(({ from, to, active_days: days }) =>
    from === null ? null : parseDay(to) - parseDay(from) + 1 - sum(lengths(days)),
  ),
  activities_completed: completions,
  activities_total: covered(({ says_not_done, resources: all }) => (says_not_done ? all.length : null)),
  assignment_completion_rate: covered((parts) =>
    parts.says_not_done ? percentOf(Number(completions(parts)), parts.resources.length) : null,
  ),
  submissions_count: resources,
  late_submissions: covered(({ submissions: all }) =>
    all.length === 0 ? null : all.filter(({ submitted_at: at, due_at: due }: Shown) => at > due).length,
  ),
  punctuality_score: covered(({ submissions: all }) =>
    percentOf(all.filter(({ submitted_at: at, due_at: due }: Shown) => at <= due).length, all.length),
  ),
  engagement_score: score,
  engagement_components: shownComponents,
  engagement_ma7: meanScore,
  engagement_ma30: meanScore,
  engagement_trend: scoreTrend,
  activity_pattern: pattern,
  regularity_hour: ({ days_by_hour }) => entropyPeak(days_by_hour),
  regularity_weekday: ({ days_by_weekday }) => entropyPeak(days_by_weekday),
  periodicity_day: ({ days_by_hour }) => modulus(days_by_hour),
  periodicity_week: ({ days_by_weekday }) => modulus(days_by_weekday),
  week_similarity: weekSimilarity,
};

/** A grade as a fraction of at most 1; over a common denominator, so that they can be added. */
const SCALE = 10n ** 24n;
const fraction = ({ value, max }: Shown): bigint => {
  const [points, whole] = [big(value, 5), big(max, 5)];
  return ((points < whole ? points : whole) * SCALE) / whole;
};
const graded = (items: Shown): Shown[] => items.filter(({ counts }: Shown) => counts);
const meanOf = (items: Shown): string | null => {
  const own = graded(items);
  if (own.length === 0) return null;
  // What a fraction loses is far too little to affect any rounding, except of a half that is just missed.
  const total = own.reduce((added, item) => added + fraction(item), 0n) + BigInt(own.length);
  return roundRatio(100n * total, SCALE * BigInt(own.length), 2);
};
const passes = (item: Shown, mark: number): boolean => {
  const [points, whole] = [big(item.value, 5), big(item.max, 5)];
  return 100n * (points < whole ? points : whole) * 1_000_000n >= big(mark, 6) * whole;
};
const mean: Recompute = ({ items }) => meanOf(items);
const bySize = (items: Shown): Shown[] =>
  graded(items).sort((a, b) => (fraction(a) < fraction(b) ? -1 : fraction(a) > fraction(b) ? 1 : 0));
const one = (item: Shown): string | null => (item === undefined ? null : meanOf([item]));

const PERFORMANCE: Readonly<Record<string, Recompute>> = {
  graded_items: ({ items }) => graded(items).length,
  ungraded_items: ({ items }) => items.length - graded(items).length,
  zero_grades: ({ items }) => items.filter(({ value }: Shown) => value !== null && Number(value) === 0).length,
  capped_grades: ({ items }) =>
    items.filter(({ value, max }: Shown) => value !== null && big(value, 5) > big(max, 5)).length,
  avg_grade: mean,
  min_grade: ({ items }) => one(bySize(items)[0]),
  max_grade: ({ items }) => one(bySize(items).at(-1)),
  latest_grade: ({ items }) => one(graded(items).at(-1)),
  latest_graded_at: ({ items }) => (graded(items).length === 0 ? null : Date.parse(graded(items).at(-1).graded_at)),
  success_rate: ({ items, pass_mark }) =>
    percentOf(graded(items).filter((item) => passes(item, pass_mark)).length, graded(items).length),
  first_assessment_failed: ({ items, pass_mark }) =>
    graded(items).length === 0 ? null : !passes(graded(items)[0], pass_mark),
  grade_ma7: mean,
  grade_ma30: mean,
  grade_trend: ({ items }) => {
    const own = graded(items);
    const days = own.map(({ day }) => parseDay(day));
    if (own.length < 3 || Math.max(...days) - Math.min(...days) < 7) return null;
    const origin = Math.min(...days);
    return slope(
      own.map((item, n) => [(days[n] ?? 0) - origin, fraction(item)] as const),
      3000n,
      SCALE,
    );
  },
  module_grade: ({ items }) => one(graded(items)[0]),
  passed: ({ items, pass_mark }) => (graded(items).length === 0 ? null : passes(graded(items)[0], pass_mark)),
};

const OF_THE_DAY: Readonly<Record<string, Recompute>> = {
  engagement_score_day: (parts) => (parts.has_days ? score(parts) : null),
  anomaly_flags: ({ open_since }) => FLAG_NAMES.filter((name) => open_since[name] !== null).sort(),
};

/** Every column of the catalogue. */
export const RECOMPUTED: Readonly<Record<string, Recompute>> = {
  ...ENGAGEMENT,
  ...PERFORMANCE,
  ...ANOMALY_RECOMPUTED,
  ...OF_THE_DAY,
};
