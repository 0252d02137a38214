import type { Route } from '../route.ts';
import { anomaliesRoute } from './anomalies.ts';
import { attentionRoute } from './attention.ts';
import { classDaysRoute, classStudentsRoute, classWorkRoute } from './class.ts';
import { courseMetricsRoute } from './course-metrics.ts';
import { coursesRoute } from './courses.ts';
import { datasetRoute } from './dataset.ts';
import { directoryRoute } from './directory.ts';
import { engagementTrendsRoute } from './engagement-trends.ts';
import { eraseRoute, erasureRoute } from './erase.ts';
import { eventsRoute } from './events.ts';
import { explainRoute } from './explain.ts';
import { featuresRoute } from './features.ts';
import { freshnessRoute } from './freshness.ts';
import { healthRoute } from './health.ts';
import { metricsRoute } from './metrics.ts';
import { openapiRoute } from './openapi.ts';
import { operationRoute } from './operation.ts';
import { cancelRoute, statusRoute, triggerRoute } from './pipeline.ts';
import { readyRoute } from './ready.ts';
import { rejectedRoute } from './rejected.ts';
import { studentMetricsRoute } from './student-metrics.ts';
import { studentsRoute } from './students.ts';
import { temporalRoute } from './temporal.ts';
import { trajectoryRoute } from './trajectory.ts';
import { whatIfRoute } from './what-if.ts';

const DESCRIBED: readonly Route[] = [
  healthRoute,
  readyRoute,
  studentMetricsRoute,
  coursesRoute,
  courseMetricsRoute,
  classStudentsRoute,
  classDaysRoute,
  classWorkRoute,
  engagementTrendsRoute,
  temporalRoute,
  trajectoryRoute,
  studentsRoute,
  anomaliesRoute,
  attentionRoute,
  eventsRoute,
  directoryRoute,
  freshnessRoute,
  operationRoute,
  rejectedRoute,
  featuresRoute,
  datasetRoute,
  explainRoute,
  whatIfRoute,
  triggerRoute,
  statusRoute,
  cancelRoute,
  eraseRoute,
  erasureRoute,
  metricsRoute,
];

/** Every route there is. */
export const ROUTES: readonly Route[] = [...DESCRIBED, openapiRoute(DESCRIBED)];
