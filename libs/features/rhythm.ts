import type { Definitions } from './definition.ts';

const exact = { exactness: 'exact' } as const;
const nearly = { exactness: 'at most 1e-6' } as const;
const scored = { ...exact, from: 'activity_logs: login, view, forum_post, and the time of all events' } as const;
const unweighed = 'the components that the course covers by then weigh nothing together';
const events = { from: 'activity_logs: events', nullWhen: 'the student has no event' } as const;
const regularity = { ...nearly, ...events, unit: 'days times bits, 6 decimals', window: 'ever' } as const;
const periodicity = { ...nearly, ...events, unit: 'days, 6 decimals', window: 'ever' } as const;
const hours = 'the days with an event in local hour k (K = 24)';
const weekdays = 'the days with an event on weekday k (K = 7)';
const paper = 'Boroujeni et al. 2016';

/** The scores of engagement_features, and the measures of regularity. */
export const ENGAGEMENT_RHYTHM = {
  engagement_score: {
    ...scored,
    unit: 'points of 100, 2 decimals',
    window: '7 days',
    formula:
      '100 × Σ wᵢ·min(1, xᵢ/tᵢ) / Σ wᵢ over logins, seconds, forum posts and distinct resources viewed, of those that the course covers; w is ENGAGEMENT_WEIGHTS, t ENGAGEMENT_TARGETS.',
    nullWhen: unweighed,
  },
  engagement_components: {
    ...scored,
    unit: 'the four components',
    window: '7 days',
    formula:
      'What engagement_score is made of: of each component value, target, weight, and whether the course covers it.',
  },
  engagement_ma7: {
    ...scored,
    unit: 'points of 100, 2 decimals',
    window: '7 days',
    formula:
      'Mean of the daily scores: engagement_score of one day, with a seventh of the targets and what was covered by then.',
    nullWhen: 'no day of the window has a score',
  },
  engagement_ma30: {
    ...scored,
    unit: 'points of 100, 2 decimals',
    window: '30 days',
    formula: 'Mean of the daily scores, as for engagement_ma7.',
    nullWhen: 'no day of the window has a score',
  },
  engagement_trend: {
    ...scored,
    unit: 'points a day, 6 decimals',
    window: '30 days',
    formula: 'Least-squares slope of the daily scores over their days.',
    nullWhen: 'fewer than 7 days of the window have a score',
  },
  activity_pattern: {
    ...exact,
    unit: 'shares by weekday, 4 decimals',
    window: '30 days',
    formula: 'Share of the events by local weekday, all seven of them.',
    nullWhen: 'the window has no event',
    from: 'activity_logs: events',
  },
  regularity_hour: {
    ...regularity,
    formula: `(log₂K − H) · max a, where a[k] are ${hours} and H is the entropy of a/Σa in bits (PDH, ${paper}).`,
  },
  regularity_weekday: {
    ...regularity,
    formula: `(log₂K − H) · max a, where a[k] are ${weekdays} and H is the entropy of a/Σa in bits (PWD, ${paper}).`,
  },
  periodicity_day: {
    ...periodicity,
    formula: `Modulus of Σ a[k]·e^(−2πik/K), where a[k] are ${hours} (FDH, ${paper}).`,
  },
  periodicity_week: {
    ...periodicity,
    formula: `Modulus of Σ a[k]·e^(−2πik/K), where a[k] are ${weekdays} (FWD, ${paper}).`,
  },
  week_similarity: {
    ...exact,
    unit: '0 to 1, 6 decimals',
    window: 'ever',
    formula: `Mean over all pairs of ISO weeks, from that of the first event to that of the last, of weekdays active in both / the larger number of active weekdays (WS1, ${paper}).`,
    nullWhen: 'fewer than two weeks have events',
    from: 'activity_logs: events',
  },
} as const satisfies Definitions;
