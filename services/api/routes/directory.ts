import { directoryAnswer, directoryQuery, readDirectory } from '#libs/serve/directory.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const directoryRoute = defineRoute({
  path: '/api/directory',
  operationId: 'listNames',
  tag: 'features',
  summary: 'What the students of a course are called; in pages',
  isList: true,
  scopes: ['names'],
  params: noParameters,
  query: directoryQuery,
  answer: directoryAnswer,
  handle: async ({ db }, { query, raw }) => pageReply(await readDirectory(db, query), raw),
});
