import type { Definitions } from './definition.ts';
import { ENGAGEMENT } from './engagement.ts';
import { PERFORMANCE } from './performance.ts';

const { engagement_score, engagement_ma7, engagement_ma30, engagement_trend, activity_pattern } = ENGAGEMENT;
const { grade_ma7, grade_ma30 } = PERFORMANCE;

/** The features as of one day, by what is known today. */
export const TEMPORAL = {
  engagement_score_day: {
    ...engagement_score,
    window: 'that day',
    formula: 'engagement_score of one day, with a seventh of the targets and what was covered by then.',
  },
  engagement_ma7,
  engagement_ma30,
  engagement_trend,
  grade_ma7,
  grade_ma30,
  activity_pattern,
  anomaly_flags: {
    unit: 'sorted names of flags',
    window: 'that day',
    formula: 'The flags of anomaly_features that were open as of the day.',
    nullWhen: 'the flags of the day are not derived yet',
    exactness: 'exact',
    from: 'all that the flags are made of',
  },
} as const satisfies Definitions;
