import { anomalyFamily } from '#libs/families/anomaly.ts';
import { type DeriverOptions, startDeriver } from '#libs/pipeline/derivers.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';

/** Derives anomaly_features from what the other two families store. The calendar must have begun. */
export function startAnomaly(options: DeriverOptions): Role {
  return roleOf(startDeriver(anomalyFamily, options));
}
