import { amountsOf, type ComponentAmounts, engagementScore } from '#libs/derive/engagement-score.ts';
import { coveredComponents } from '#libs/derive/engagement-series.ts';
import { ENGAGEMENT_COMPONENTS, type EngagementComponent, SETTING_DECIMALS } from '#libs/domain/components.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { formatScaled, roundRatio } from '#libs/domain/rational.ts';
import type { Grounds } from './grounds.ts';
import type { Parts } from './parts.ts';

/** Hundredths of a point. */
const HUNDRED = 100;

/** What was done in the given number of days up to as-of. */
const amountsWithin = ({ timed, course, asOf }: Grounds, days: number): ComponentAmounts =>
  amountsOf(
    timed.filter(({ event }) => event.day > asOf - days),
    coveredComponents(course.coverage, asOf),
  );

/** The components of a score over so many days, times in seconds; the weekly targets are prorated to these days. */
export function componentParts(grounds: Grounds, days: number): Parts {
  const { engagementWeights: weights, engagementTargets: targets } = grounds.settings;
  const amounts = amountsWithin(grounds, days);
  const covered = ENGAGEMENT_COMPONENTS.filter((component) => amounts[component] !== null);
  const whole = covered.reduce((sum, component) => sum + weights[component], 0n);
  const components = ENGAGEMENT_COMPONENTS.map((component) => {
    const amount = amounts[component];
    const alone = { logins: null, time: null, forum_posts: null, resources: null, [component]: amount };
    const score = engagementScore(alone, weights, targets, days) ?? 0;
    return [
      component,
      {
        value: amount === null ? null : Number(formatScaled(amount, 3)),
        target_a_week: Number(formatScaled(targets[component], SETTING_DECIMALS)),
        weight: Number(formatScaled(weights[component], SETTING_DECIMALS)),
        covered: amount !== null,
        points:
          amount === null || whole === 0n
            ? null
            : Number(roundRatio(BigInt(score) * weights[component], BigInt(HUNDRED) * whole, 2)),
      },
    ];
  });
  return { days, components: Object.fromEntries(components) };
}

/** The daily scores of those days up to as-of that have one, including days before the first row. */
export function dailyParts({ asOf, key }: Grounds, days: number): Parts {
  const firstDay = key.firstDay ?? asOf;
  const scores = key.score.flatMap((score, index) => {
    const day = firstDay + index;
    return score === null || day <= asOf - days ? [] : [{ day: formatDay(day), score: score / HUNDRED }];
  });
  return { daily_scores: scores };
}

/** How many points `more` of a component would add to the score; null if it is not covered. Time is in milliseconds. */
export function gainOf(grounds: Grounds, component: EngagementComponent, more: bigint): number | null {
  const { engagementWeights: weights, engagementTargets: targets } = grounds.settings;
  const amounts = amountsWithin(grounds, 7);
  const amount = amounts[component];
  if (amount === null) return null;
  const score = (of: ComponentAmounts): number | null => engagementScore(of, weights, targets, 7);
  const [now, raised] = [score(amounts), score({ ...amounts, [component]: amount + more })];
  return now === null || raised === null ? null : (raised - now) / HUNDRED;
}
