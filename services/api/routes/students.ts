import { nextLink } from '#libs/serve/paging.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { readStudents, studentsAnswer, studentsQuery } from '#libs/serve/students.ts';
import { defineRoute } from '../route.ts';

export const studentsRoute = defineRoute({
  path: '/api/students',
  summary: 'Students with features, one row per course each; in pages',
  params: noParameters,
  query: studentsQuery,
  answer: studentsAnswer,
  handle: async ({ db }, { query, raw }) => {
    const { rows, next } = await readStudents(db, query);
    return { body: [...rows], headers: next === null ? {} : { link: nextLink(raw.path, raw.query, next) } };
  },
});
