import { anomaliesAnswer, anomaliesQuery, readAnomalies } from '#libs/serve/anomalies.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const anomaliesRoute = defineRoute({
  path: '/api/anomalies',
  operationId: 'listAnomalies',
  tag: 'features',
  summary: 'The open flags against the own past, the most severe first or by student; no alarm; in pages',
  isList: true,
  params: noParameters,
  query: anomaliesQuery,
  answer: anomaliesAnswer,
  handle: async ({ db }, { query, raw }) => pageReply(await readAnomalies(db, query), raw),
});
