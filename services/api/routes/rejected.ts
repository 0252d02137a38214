import { noParameters } from '#libs/serve/parameters.ts';
import { readRejected, rejectedAnswer, rejectedQuery } from '#libs/serve/rejected.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const rejectedRoute = defineRoute({
  path: '/api/rejected',
  operationId: 'listRejected',
  tag: 'operation',
  scopes: ['ops'],
  summary: 'Source rows that cannot be read, newest first; in pages',
  isList: true,
  params: noParameters,
  query: rejectedQuery,
  answer: rejectedAnswer,
  handle: async ({ db }, { query, raw }) =>
    pageReply(await readRejected(db, query, raw.caller.scopes.has('names')), raw),
});
