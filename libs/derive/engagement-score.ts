import {
  type ComponentNumbers,
  ENGAGEMENT_COMPONENTS,
  type EngagementComponent,
  SETTING_DECIMALS,
} from '#libs/domain/components.ts';
import { formatScaled, roundRatio } from '#libs/domain/rational.ts';

/** What was done over the period, in thousandths (time: milliseconds); null where the course does not cover it. */
export type ComponentAmounts = Readonly<Record<EngagementComponent, bigint | null>>;

const THOUSAND = 1000n;
const SETTING_SCALE = 10n ** BigInt(SETTING_DECIMALS);

/**
 * 100 × Σ wᵢ·min(1, xᵢ/tᵢ) / Σ wᵢ over the covered components, rounded once to 2 decimals; null when their weights sum
 * to 0.
 * @param targets for the period the amounts are of
 */
export function engagementScore(
  amounts: ComponentAmounts,
  weights: ComponentNumbers,
  targets: ComponentNumbers,
): string | null {
  // Each share is min(x, t)/t; over the common denominator Π t the whole sum is one fraction of integers.
  let numerator = 0n;
  let denominator = 1n;
  let totalWeight = 0n;
  for (const component of ENGAGEMENT_COMPONENTS) {
    const amount = amounts[component];
    if (amount === null) continue;
    const target = targets[component] * THOUSAND;
    const done = amount * SETTING_SCALE;
    numerator = numerator * target + weights[component] * (done < target ? done : target) * denominator;
    denominator *= target;
    totalWeight += weights[component];
  }
  return totalWeight === 0n ? null : roundRatio(100n * numerator, denominator * totalWeight, 2);
}

export interface ComponentShown {
  /** Over the last seven days; time in whole seconds; null where not covered. */
  readonly value: number | null;
  readonly target: number;
  readonly weight: number;
  readonly covered: boolean;
}

export type ComponentsShown = Readonly<Record<EngagementComponent, ComponentShown>>;

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
