import { tablesOf } from '#libs/domain/source-tables/index.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { startCourseDeriver, startDeriver } from '#libs/pipeline/derivers.ts';
import { startNewCourseDeriver } from '#libs/pipeline/new-course-deriver.ts';
import type { RoleDefinition } from '#libs/pipeline/pipeline.ts';
import { roleOf } from '#libs/pipeline/role.ts';

/** The courses are derived here, because coverage comes from what students do. */
export const engagementRole: RoleDefinition = {
  role: 'engagement',
  summary: 'Takes in what students do and derives engagement_features and the courses.',
  tables: [...tablesOf(null), ...tablesOf('engagement')],
  start: (options) =>
    roleOf([
      ...startNewCourseDeriver(options),
      startCourseDeriver(options),
      ...startDeriver(engagementFamily, options),
    ]),
};
