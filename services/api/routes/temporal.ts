import { readTemporal, temporalAnswer, temporalParams, temporalQuery } from '#libs/serve/temporal.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const temporalRoute = defineRoute({
  path: '/api/features/temporal/:student_id',
  operationId: 'listTemporalFeatures',
  tag: 'features',
  summary: 'One student day by day, newest first; in pages',
  isList: true,
  params: temporalParams,
  query: temporalQuery,
  answer: temporalAnswer,
  handle: async ({ db }, { params, query, raw }) => pageReply(await readTemporal(db, params.student_id, query), raw),
});
