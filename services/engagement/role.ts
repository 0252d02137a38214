import { engagementFamily } from '#libs/families/engagement.ts';
import { type DeriverOptions, startCourseDeriver, startDeriver } from '#libs/pipeline/derivers.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';

/**
 * Derives engagement_features and, because coverage comes of what students do, the courses. The calendar must have
 * begun.
 */
export function startEngagement(options: DeriverOptions): Role {
  return roleOf([startCourseDeriver(options), ...startDeriver(engagementFamily, options)]);
}
