import { attentionAnswer, attentionQuery, readAttention } from '#libs/serve/attention.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const attentionRoute = defineRoute({
  path: '/api/attention',
  operationId: 'listAttention',
  tag: 'features',
  summary: 'The students whom a teacher should talk to, and why; in pages',
  isList: true,
  params: noParameters,
  query: attentionQuery,
  answer: attentionAnswer,
  handle: async ({ db }, { query, raw }) => pageReply(await readAttention(db, query), raw),
});
