import { ANOMALY } from './anomaly.ts';
import type { Definitions } from './definition.ts';
import { ENGAGEMENT } from './engagement.ts';
import { PERFORMANCE } from './performance.ts';
import { TEMPORAL } from './temporal.ts';

/** Definitions by table, with tables and columns in their order. */
export type FeatureSet = Readonly<Record<string, Definitions>>;

/** Every feature column. */
export const FEATURE_SET = {
  engagement_features: ENGAGEMENT,
  performance_features: PERFORMANCE,
  anomaly_features: ANOMALY,
  temporal_features: TEMPORAL,
} as const satisfies FeatureSet;
