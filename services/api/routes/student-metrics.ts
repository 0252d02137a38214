import { noParameters } from '#libs/serve/parameters.ts';
import { readStudentMetrics, studentMetricsAnswer, studentMetricsParams } from '#libs/serve/student-metrics.ts';
import { defineRoute } from '../route.ts';

export const studentMetricsRoute = defineRoute({
  path: '/api/metrics/student/:id',
  summary: 'All features of one student, one row per course',
  params: studentMetricsParams,
  query: noParameters,
  answer: studentMetricsAnswer,
  handle: async ({ db }, { params }) => ({ body: await readStudentMetrics(db, params.id) }),
});
