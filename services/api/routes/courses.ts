import { coursesAnswer, coursesQuery, listCourses } from '#libs/serve/courses.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const coursesRoute = defineRoute({
  path: '/api/courses',
  operationId: 'listCourses',
  tag: 'features',
  summary: 'Courses, and what their students add up to; titles for a token with the scope names; in pages',
  isList: true,
  params: noParameters,
  query: coursesQuery,
  answer: coursesAnswer,
  handle: async ({ db }, { query, raw }) =>
    pageReply(await listCourses(db, query, raw.caller.scopes.has('names')), raw),
});
