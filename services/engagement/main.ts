import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { startEngagement } from './role.ts';

await runRoleProcess({
  role: 'engagement',
  summary: 'Takes in what students do and derives engagement_features and the courses.',
  tables: ['students', 'courses', 'enrollments', 'activity_logs'],
  openSource,
  start: startEngagement,
});
