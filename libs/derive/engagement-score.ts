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

/** The parts of the score that a course covers by a day. */
export type ComponentCoverage = Readonly<Record<EngagementComponent, boolean>>;

/** What was done over a period: counts in thousandths, time in milliseconds; null if the course does not cover it. */
export type ComponentAmounts = Readonly<Record<EngagementComponent, bigint | null>>;

/** The same as doubles. */
type Doubles = Readonly<Record<EngagementComponent, number>>;

const THOUSAND = 1000n;

/** An event with the milliseconds credited to it. */
export interface TimedEvent {
  readonly event: Event;
  readonly milliseconds: number;
}

/** The amounts of events, with the milliseconds credited to each. */
export function amountsOf(events: readonly TimedEvent[], covered: ComponentCoverage): ComponentAmounts {
  const { logins, forum_posts, resources } = doublesOf(events);
  return {
    logins: covered.logins ? BigInt(logins) : null,
    time: covered.time ? wholeSum(events.map(({ milliseconds }) => milliseconds)) : null,
    forum_posts: covered.forum_posts ? BigInt(forum_posts) : null,
    resources: covered.resources ? BigInt(resources) : null,
  };
}

function doublesOf(events: readonly TimedEvent[]): Doubles {
  const viewed = new Set<string>();
  let [logins, time, posts] = [0, 0, 0];
  for (const { event, milliseconds } of events) {
    time += milliseconds;
    if (event.type === 'login') logins += 1;
    else if (event.type === 'forum_post') posts += 1;
    else if (event.type === 'view' && event.resource !== null) viewed.add(event.resource);
  }
  return { logins: 1000 * logins, time, forum_posts: 1000 * posts, resources: 1000 * viewed.size };
}

/** Further than this from a half, rounding a double is certain to be right: its error is below 10⁻¹⁰. */
const NEAR_HALF = 1e-6;

/**
 * Scores what was done in a number of days: 100 × Σ wᵢ·min(1, xᵢ/tᵢ) / Σ wᵢ over the covered components, in hundredths,
 * rounded once; null if their weights sum to 0.
 */
export class Scoring {
  /** The score of days on which nothing was done. */
  readonly idle: number | null;
  readonly #covered: ComponentCoverage;
  readonly #weights: ComponentNumbers;
  readonly #targets: ComponentNumbers;
  readonly #days: number;
  /** By component: the hundredths for reaching its whole target, and the share of the target that one unit of amount is. */
  readonly #most: Doubles;
  readonly #share: Doubles;

  /**
   * @param targets for a week
   * @param days the number of days scored together, for which that part of the week's targets applies
   */
  constructor(covered: ComponentCoverage, weights: ComponentNumbers, targets: ComponentNumbers, days: number) {
    this.#covered = covered;
    this.#weights = weights;
    this.#targets = targets;
    this.#days = days;
    const weightOf = (component: EngagementComponent): number => (covered[component] ? Number(weights[component]) : 0);
    const whole = ENGAGEMENT_COMPONENTS.reduce((sum, component) => sum + weightOf(component), 0);
    this.idle = whole === 0 ? null : 0;
    this.#most = ofEach((component) => (100 * 10 ** SCORE_DECIMALS * weightOf(component)) / whole);
    this.#share = ofEach((component) => (Number(SETTING_SCALE) * 7) / (Number(targets[component]) * 1000 * days));
  }

  score(events: readonly TimedEvent[]): number | null {
    if (this.idle === null) return null;
    return this.byDoubles(doublesOf(events)) ?? this.#exact(amountsOf(events, this.#covered));
  }

  scoreOf(amounts: ComponentAmounts): number | null {
    if (this.idle === null) return null;
    return this.byDoubles(ofEach((component) => Number(amounts[component] ?? 0n))) ?? this.#exact(amounts);
  }

  /** Many times as fast as with fractions of integers. @returns null if it is too near to a half to be certain */
  byDoubles({ logins, time, forum_posts, resources }: Doubles): number | null {
    const [most, share] = [this.#most, this.#share];
    const near =
      most.logins * Math.min(1, logins * share.logins) +
      most.time * Math.min(1, time * share.time) +
      most.forum_posts * Math.min(1, forum_posts * share.forum_posts) +
      most.resources * Math.min(1, resources * share.resources);
    return Math.abs(near - Math.floor(near) - 0.5) > NEAR_HALF ? Math.round(near) : null;
  }

  #exact(amounts: ComponentAmounts): number {
    // Each share is min(x, t)/t; with the common denominator Π t, the whole sum is one fraction of integers.
    let numerator = 0n;
    let denominator = 1n;
    let totalWeight = 0n;
    for (const component of ENGAGEMENT_COMPONENTS) {
      const amount = amounts[component];
      if (amount === null) continue;
      const weight = this.#weights[component];
      const target = this.#targets[component] * THOUSAND * BigInt(this.#days);
      const done = amount * SETTING_SCALE * 7n;
      numerator = numerator * target + weight * (done < target ? done : target) * denominator;
      denominator *= target;
      totalWeight += weight;
    }
    return Number(roundToScaled(100n * numerator, denominator * totalWeight, SCORE_DECIMALS));
  }
}

const ofEach = (of: (component: EngagementComponent) => number): Doubles => ({
  logins: of('logins'),
  time: of('time'),
  forum_posts: of('forum_posts'),
  resources: of('resources'),
});

/** The score of amounts, see {@link Scoring}: the components that have an amount are covered. */
export function engagementScore(
  amounts: ComponentAmounts,
  weights: ComponentNumbers,
  targets: ComponentNumbers,
  days: number,
): number | null {
  const { logins, time, forum_posts, resources } = amounts;
  const covered = {
    logins: logins !== null,
    time: time !== null,
    forum_posts: forum_posts !== null,
    resources: resources !== null,
  };
  return new Scoring(covered, weights, targets, days).scoreOf(amounts);
}

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
