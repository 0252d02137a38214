import type { Event } from '#libs/aggregate/events.ts';
import {
  type ComponentNumbers,
  ENGAGEMENT_COMPONENTS,
  type EngagementComponent,
  SETTING_DECIMALS,
} from '#libs/domain/components.ts';
import { formatScaled, roundRatio, roundToScaled, wholeSum } from '#libs/domain/rational.ts';
import type { ComponentShown, ComponentsShown } from '#libs/features/units.ts';
import { SCORE_DECIMALS } from './series.ts';
import { SETTING_SCALE } from './settings.ts';

/** Which parts of the score a course covers by a day. */
export type ComponentCoverage = Readonly<Record<EngagementComponent, boolean>>;

/** What was done over a period: counts in thousandths, time in milliseconds; null where the course does not cover it. */
export type ComponentAmounts = Readonly<Record<EngagementComponent, bigint | null>>;

const THOUSAND = 1000n;

/** What events, with the milliseconds credited to each, amount to. */
export function amountsOf(
  events: readonly { readonly event: Event; readonly milliseconds: number }[],
  covered: ComponentCoverage,
): ComponentAmounts {
  const resources = new Set<string>();
  let [logins, posts] = [0, 0];
  for (const { event } of events) {
    if (event.type === 'login') logins += 1;
    if (event.type === 'forum_post') posts += 1;
    if (event.type === 'view' && event.resource !== null) resources.add(event.resource);
  }
  return {
    logins: covered.logins ? BigInt(logins) * THOUSAND : null,
    time: covered.time ? wholeSum(events.map(({ milliseconds }) => milliseconds)) : null,
    forum_posts: covered.forum_posts ? BigInt(posts) * THOUSAND : null,
    resources: covered.resources ? BigInt(resources.size) * THOUSAND : null,
  };
}

/**
 * 100 × Σ wᵢ·min(1, xᵢ/tᵢ) / Σ wᵢ over the covered components, in hundredths, rounded once; null when their weights sum
 * to 0.
 * @param targets of a week
 * @param days that the amounts are of: the targets are that part of the week's
 */
export function engagementScore(
  amounts: ComponentAmounts,
  weights: ComponentNumbers,
  targets: ComponentNumbers,
  days: number,
): number | null {
  const near = nearScore(amounts, weights, targets, days);
  if (near === null) return null;
  const isSure = Math.abs(near - Math.floor(near) - 0.5) > NEAR_HALF;
  return isSure ? Math.round(near) : exactScore(amounts, weights, targets, days);
}

/** Far above the error of {@link nearScore}, which is below 10⁻¹⁰: farther than this from a half, rounding is certain. */
const NEAR_HALF = 1e-6;

/** The score before it is rounded, as doubles have it: many times as fast as fractions of integers. */
function nearScore(
  amounts: ComponentAmounts,
  weights: ComponentNumbers,
  targets: ComponentNumbers,
  days: number,
): number | null {
  let [sum, totalWeight] = [0, 0];
  for (const component of ENGAGEMENT_COMPONENTS) {
    const amount = amounts[component];
    if (amount === null) continue;
    const weight = Number(weights[component]);
    const share = (Number(amount) * Number(SETTING_SCALE) * 7) / (Number(targets[component]) * 1000 * days);
    sum += weight * Math.min(1, share);
    totalWeight += weight;
  }
  return totalWeight === 0 ? null : (100 * 10 ** SCORE_DECIMALS * sum) / totalWeight;
}

function exactScore(
  amounts: ComponentAmounts,
  weights: ComponentNumbers,
  targets: ComponentNumbers,
  days: number,
): number {
  // Each share is min(x, t)/t; over the common denominator Π t the whole sum is one fraction of integers.
  let numerator = 0n;
  let denominator = 1n;
  let totalWeight = 0n;
  for (const component of ENGAGEMENT_COMPONENTS) {
    const amount = amounts[component];
    if (amount === null) continue;
    const target = targets[component] * THOUSAND * BigInt(days);
    const done = amount * SETTING_SCALE * 7n;
    numerator = numerator * target + weights[component] * (done < target ? done : target) * denominator;
    denominator *= target;
    totalWeight += weights[component];
  }
  return Number(roundToScaled(100n * numerator, denominator * totalWeight, SCORE_DECIMALS));
}

/** The score of a day on which nothing was done: 0 where anything that weighs is covered, else null. */
export const idleScore = (covered: ComponentCoverage, weights: ComponentNumbers): number | null =>
  ENGAGEMENT_COMPONENTS.some((component) => covered[component] && weights[component] > 0n) ? 0 : null;

export function showComponents(
  amounts: ComponentAmounts,
  weights: ComponentNumbers,
  targets: ComponentNumbers,
): ComponentsShown {
  const show = (component: EngagementComponent): ComponentShown => {
    const amount = amounts[component];
    return {
      value: amount === null ? null : Number(roundRatio(amount, THOUSAND, 0)),
      target: Number(formatScaled(targets[component], SETTING_DECIMALS)),
      weight: Number(formatScaled(weights[component], SETTING_DECIMALS)),
      covered: amount !== null,
    };
  };
  return { logins: show('logins'), time: show('time'), forum_posts: show('forum_posts'), resources: show('resources') };
}
