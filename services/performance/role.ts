import { performanceFamily } from '#libs/families/performance.ts';
import { type DeriverOptions, startDeriver } from '#libs/pipeline/derivers.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';

/** Derives performance_features. The calendar must have begun. */
export function startPerformance(options: DeriverOptions): Role {
  return roleOf(startDeriver(performanceFamily, options));
}
