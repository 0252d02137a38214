import { anomalyFamily } from '#libs/families/anomaly.ts';
import { startDeriver } from '#libs/pipeline/derivers.ts';
import type { RoleDefinition } from '#libs/pipeline/pipeline.ts';
import { roleOf } from '#libs/pipeline/role.ts';

export const anomalyRole: RoleDefinition = {
  role: 'anomaly',
  summary: 'Derives anomaly_features from the rows and days that engagement and performance store.',
  start: (options) => roleOf(startDeriver(anomalyFamily, options)),
};
