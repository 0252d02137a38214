import { noParameters } from '#libs/serve/parameters.ts';
import { readStudents, studentsAnswer, studentsQuery } from '#libs/serve/students.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const studentsRoute = defineRoute({
  path: '/api/students',
  operationId: 'listStudents',
  tag: 'features',
  summary: 'Students with features: of one course, or averaged over all of theirs; in pages',
  isList: true,
  params: noParameters,
  query: studentsQuery,
  answer: studentsAnswer,
  handle: async ({ db }, { query, raw }) => pageReply(await readStudents(db, query), raw),
});
