import { classDaysAnswer, classDaysQuery, readClassDays } from '#libs/serve/class-days.ts';
import { classStudentsAnswer, classStudentsQuery, readClassStudents } from '#libs/serve/class-students.ts';
import { courseMetricsParams } from '#libs/serve/course-metrics.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const classStudentsRoute = defineRoute({
  path: '/api/metrics/course/:id/students',
  operationId: 'listClassStudents',
  tag: 'features',
  summary: 'The students of one course: score and its curve, grades, flags; in pages',
  isList: true,
  params: courseMetricsParams,
  query: classStudentsQuery,
  answer: classStudentsAnswer,
  handle: async ({ db }, { params, query, raw }) => pageReply(await readClassStudents(db, params.id, query), raw),
});

export const classDaysRoute = defineRoute({
  path: '/api/metrics/course/:id/days',
  operationId: 'getClassDays',
  tag: 'features',
  summary: 'What is usual in one course, day by day: who was active, and the middle half of scores and grades',
  params: courseMetricsParams,
  query: classDaysQuery,
  answer: classDaysAnswer,
  handle: async ({ db }, { params, query }) => ({ body: await readClassDays(db, params.id, query) }),
});
