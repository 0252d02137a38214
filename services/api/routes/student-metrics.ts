import { noParameters } from '#libs/serve/parameters.ts';
import { studentMetricsAnswer, studentMetricsParams } from '#libs/serve/student-metrics.ts';
import { defineRoute } from '../route.ts';

export const studentMetricsRoute = defineRoute({
  path: '/api/metrics/student/:id',
  operationId: 'getStudentMetrics',
  tag: 'features',
  isFinished: true,
  summary: 'All features of one student, one row per course',
  params: studentMetricsParams,
  query: noParameters,
  answer: studentMetricsAnswer,
  handle: async ({ studentMetrics }, { params }) => ({ body: await studentMetrics(params.id) }),
});
