import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { startAnomaly } from './role.ts';

await runRoleProcess({
  role: 'anomaly',
  summary: 'Derives anomaly_features from the rows and days that engagement and performance store.',
  start: startAnomaly,
});
