import type { Route } from '../route.ts';
import { freshnessRoute } from './freshness.ts';
import { healthRoute } from './health.ts';
import { readyRoute } from './ready.ts';
import { rejectedRoute } from './rejected.ts';
import { studentMetricsRoute } from './student-metrics.ts';
import { studentsRoute } from './students.ts';

/** Every route there is. */
export const ROUTES: readonly Route[] = [
  healthRoute,
  readyRoute,
  studentMetricsRoute,
  studentsRoute,
  freshnessRoute,
  rejectedRoute,
];
