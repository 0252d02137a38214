import { nextLink } from '#libs/serve/paging.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { readRejected, rejectedAnswer, rejectedQuery } from '#libs/serve/rejected.ts';
import { defineRoute } from '../route.ts';

export const rejectedRoute = defineRoute({
  path: '/api/rejected',
  summary: 'Source rows that cannot be read, newest first; in pages',
  params: noParameters,
  query: rejectedQuery,
  answer: rejectedAnswer,
  handle: async ({ db }, { query, raw }) => {
    const { rows, next } = await readRejected(db, query);
    return { body: [...rows], headers: next === null ? {} : { link: nextLink(raw.path, raw.query, next) } };
  },
});
