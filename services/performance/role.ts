import { type DeriverOptions, startDeriver } from '#libs/pipeline/derivers.ts';
import { performanceFamily } from '#libs/pipeline/families/performance.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';

/** Derives performance_features. The calendar must have begun. */
export function startPerformance(options: DeriverOptions): Role {
  return roleOf(startDeriver(performanceFamily, options));
}
