import { courseMetricsAnswer, courseMetricsParams, readCourseMetrics } from '#libs/serve/course-metrics.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const courseMetricsRoute = defineRoute({
  path: '/api/metrics/course/:id',
  operationId: 'getCourseMetrics',
  tag: 'features',
  summary: 'What the students of one course add up to, and what is known of the course; one row',
  params: courseMetricsParams,
  query: noParameters,
  answer: courseMetricsAnswer,
  handle: async ({ db }, { params }) => ({ body: await readCourseMetrics(db, params.id) }),
});
