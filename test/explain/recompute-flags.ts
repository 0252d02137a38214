import { FLAG_NAMES } from '#libs/domain/flags.ts';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import { ascending, big, daysOf, hundredths, median, type Recompute, type Shown, sum } from './shown.ts';

/** Values by day, from the values at the steps. */
function byDay(steps: Shown, asOf: string): (number | null)[] {
  const values: (number | null)[] = [];
  steps.forEach(({ from, points }: Shown, n: number) => {
    const to = n + 1 < steps.length ? parseDay(steps[n + 1].from) : parseDay(asOf) + 1;
    for (let day = parseDay(from); day < to; day += 1) values.push(points);
  });
  return values;
}

const SEVERITIES = ['low', 'low', 'medium', 'high'] as const;

/** Open since the first day of the unbroken run of days with points. */
function reason(parts: Shown, shown: () => object): unknown {
  if (!((parts.points ?? 0) > 0)) return null;
  const values = byDay(parts.steps, parts.as_of);
  let run = 0;
  while ((values.at(-1 - run) ?? 0) > 0) run += 1;
  const severity = SEVERITIES[parts.points];
  return { since: formatDay(parseDay(parts.as_of) - run + 1), severity, ...shown() };
}

function absent(parts: Shown): unknown {
  const { active_days_of_21: active, usual_days_of_21: usual, last_active_day: last, as_of: asOf } = parts;
  if (usual !== undefined && usual !== null && parts.points !== null) {
    const isGone = last === null || parseDay(last) <= parseDay(asOf) - 28;
    const points = isGone ? 3 : active <= usual / 4 ? 2 : active <= usual / 2 ? 1 : 0;
    if (points !== parts.points) return `${points} points`;
  }
  return reason(parts, () => ({ value: active, baseline: usual, threshold: usual / 2, method: 'class_days' }));
}

function missingWork(parts: Shown): unknown {
  const missing = (items: Shown[]): Shown[] => items.filter(({ handed_in }) => handed_in === null);
  const items: Shown[] = parts.items ?? [];
  const recent = items.filter(({ expected_from: from }) => parseDay(from) > parseDay(parts.as_of) - 28);
  const earlier = items.filter((item) => !recent.includes(item));
  if (parts.points != null) {
    const share = missing(recent).length / recent.length;
    const old = missing(earlier).length > 0 && missing(earlier).length >= earlier.length / 2 ? 1 : 0;
    const points = (missing(recent).length === 0 ? 0 : share >= 1 / 2 ? 2 : share >= 1 / 4 ? 1 : 0) + old;
    if (points !== parts.points) return `${points} points`;
  }
  return reason(parts, () => ({
    value: missing(items).length,
    baseline: items.length,
    threshold: 1,
    method: 'class_work',
    ...(parts.source === null ? {} : { source: parts.source }),
    items: missing(items)
      .slice(0, 5)
      .map(({ item }) => item),
  }));
}

function lowMarks(parts: Shown): unknown {
  const items: Shown[] = parts.items ?? [];
  const difference = items.reduce((total, { own, of_class }) => total + big(own, 3) - big(of_class, 3), 0n);
  const value = items.length === 0 ? 0 : Number(roundRatio(difference, 1000n * BigInt(items.length), 2));
  if (parts.points != null) {
    const [exact, count] = [Number(difference), 1000 * items.length];
    const points = exact <= -20 * count ? 2 : exact <= -10 * count ? 1 : 0;
    if (points !== parts.points) return `${points} points`;
  }
  return reason(parts, () => ({
    value,
    baseline: 0,
    threshold: parts.points === 2 ? -20 : -10,
    method: 'class_grades',
    graded: items.length,
  }));
}

function attention(parts: Shown): unknown {
  if (parts.steps === undefined) return null;
  const points = byDay(parts.steps, parts.as_of).map((value) => value ?? 0);
  let open: number | null = null;
  let closed: { since: number; at: number } | null = null;
  points.forEach((value, day) => {
    if (open === null && value >= parts.open_points)
      open = closed !== null && day - closed.at <= 14 ? closed.since : day;
    else if (open !== null && value < parts.close_points) {
      closed = { since: open, at: day };
      open = null;
    }
  });
  if (open === null) return null;
  const value = sum(Object.values(parts.reasons).map((each) => Number(each ?? 0)));
  const reasons = Object.entries(parts.reasons as Record<string, number | null>)
    .filter(([, each]) => (each ?? 0) > 0)
    .map(([name, each]) => ({ reason: name, points: each ?? 0 }))
    .sort((a, b) => b.points - a.points);
  return {
    since: formatDay(parseDay(parts.as_of) - points.length + 1 + open),
    value,
    baseline: 0,
    threshold: parts.open_points,
    method: 'points',
    severity: value >= 5 ? 'high' : value === 4 ? 'medium' : 'low',
    reasons,
  };
}

const severity = (halves: number): string => (halves >= 4 ? 'high' : halves >= 3 ? 'medium' : 'low');
/** Rounding in what is shown may hide that a value is exactly on the line. */
const ROOM = 1e-4;

/** Median and limit in points, by the median absolute deviation. */
function limitOf(sorted: readonly number[], threshold: number): { middle: number; limit: number } {
  const middle = median(sorted);
  const deviations = ascending(sorted.map((value) => Math.abs(value - middle)));
  const mad = median(deviations);
  const sigma = mad > 0 ? mad / 0.6745 : (1.253314 * sum(deviations)) / deviations.length;
  return { middle, limit: Math.max(10, threshold * sigma) };
}

const since = ({ open_days: days }: Shown): string | undefined => days.at(-1)?.from;

function apart(parts: Shown, side: 'drop' | 'spike', value: number, others: readonly number[]): Shown {
  const { middle, limit } = limitOf(ascending(others), parts.outlier_threshold);
  const sign = side === 'drop' ? -1 : 1;
  const distance = sign * (value - middle);
  if (distance < limit - ROOM) return null;
  return {
    since: since(parts),
    value: hundredths(value),
    baseline: hundredths(middle),
    threshold: hundredths(middle + sign * limit),
    method: 'modified_z',
    severity: severity((2 * (distance + ROOM)) / limit),
  };
}

const engagementOutlier =
  (side: 'drop' | 'spike'): Recompute =>
  (parts) => {
    const days = parts.compared_with;
    if (days.length < 14 || days.filter(({ active }: Shown) => active).length < 4) return null;
    if (parts.engagement_ma7 === null) return null;
    return apart(
      parts,
      side,
      parts.engagement_ma7,
      days.map(({ engagement_ma7 }: Shown) => engagement_ma7),
    );
  };

function inactivity(parts: Shown): unknown {
  const days = daysOf(parts.active_days);
  const start = days.at(-1) ?? (parts.counted_from === null ? undefined : parseDay(parts.counted_from));
  if (start === undefined) return null;
  const idle = parseDay(parts.as_of) - start;
  const habit = days.length >= 3 ? median(ascending(days.slice(1).map((day, n) => day - (days[n] ?? 0)))) : null;
  const limit = habit === null ? parts.limit_under_three_active_days : Math.max(parts.least_limit, 3 * habit);
  if (idle <= limit || idle > parts.most_days) return null;
  const method = 'own_gap';
  return {
    since: since(parts),
    value: idle,
    baseline: habit,
    threshold: limit,
    method,
    severity: severity((2 * idle) / limit),
  };
}

const gradeOutlier =
  (side: 'drop' | 'spike'): Recompute =>
  (parts) => {
    const last = parts.items.at(-1);
    if (parts.items.length < parts.least_items || last.news_until < parts.as_of) return null;
    const before = parts.items.slice(0, -1).map(({ percent }: Shown) => percent);
    const found = apart(parts, side, last.percent, before);
    return found && { ...found, item: last.item };
  };

function fences(parts: Shown): unknown {
  const { items } = parts;
  if (items.length < parts.least_items) return null;
  const sorted = ascending(items.map(({ percent }: Shown) => percent));
  const quartile = (p: number): number => {
    const at = (sorted.length - 1) * p;
    const below = sorted[Math.floor(at)] ?? 0;
    return below + (at % 1) * ((sorted[Math.ceil(at)] ?? below) - below);
  };
  const [low, high] = [quartile(0.25), quartile(0.75)];
  const margin = Math.max(1.5 * (high - low), 10);
  let most: Shown = null;
  for (const { item, percent, news_until } of items) {
    if (news_until < parts.as_of) continue;
    const [side, quarter] = percent < low ? [-1, low] : [1, high];
    const distance = side * (percent - quarter);
    if (distance <= margin + ROOM || distance < (most?.distance ?? 0) - ROOM) continue;
    most = { distance, item, percent, quarter, fence: quarter + side * margin };
  }
  if (most === null) return null;
  return {
    since: since(parts),
    value: hundredths(most.percent),
    baseline: hundredths(most.quarter),
    threshold: hundredths(most.fence),
    method: 'tukey',
    severity: severity((2 * (most.distance + ROOM)) / margin),
    item: most.item,
  };
}

const isKnown = (data: Shown): boolean => {
  if ('points' in data) return data.points !== null;
  if ('counted_from' in data) return data.active_days.length > 0 || data.counted_from !== null;
  return data.there_are >= data.least && (data.active_days ?? 0) >= (data.least_active_days ?? 0);
};

export const ANOMALY_RECOMPUTED: Readonly<Record<string, Recompute>> = {
  attention,
  absent,
  missing_work: missingWork,
  low_marks: lowMarks,
  engagement_drop: engagementOutlier('drop'),
  engagement_spike: engagementOutlier('spike'),
  inactivity,
  grade_drop: gradeOutlier('drop'),
  grade_spike: gradeOutlier('spike'),
  grade_outlier: fences,
  unsupported: (parts) => FLAG_NAMES.filter((name) => !isKnown(parts[name])).sort(),
};
