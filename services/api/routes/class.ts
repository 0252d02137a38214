import { classWorkAnswer, readClassWork } from '#libs/explain/class-work.ts';
import { classDaysAnswer, classDaysQuery, readClassDays } from '#libs/serve/class-days.ts';
import { classStudentsAnswer, classStudentsQuery, readClassStudents } from '#libs/serve/class-students.ts';
import { courseMetricsParams } from '#libs/serve/course-metrics.ts';
import { noParameters } from '#libs/serve/parameters.ts';
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

export const classWorkRoute = defineRoute({
  path: '/api/metrics/course/:id/work',
  operationId: 'listClassWork',
  tag: 'features',
  summary: 'The work that one course expects of everybody, most recent first, and who has not handed it in',
  params: courseMetricsParams,
  query: noParameters,
  answer: classWorkAnswer,
  handle: async ({ inSnapshot }, { params }) => ({ body: await inSnapshot((tx) => readClassWork(tx, params.id)) }),
});
