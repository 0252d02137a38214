import { operationAnswer, readOperation } from '#libs/serve/operation.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const operationRoute = defineRoute({
  path: '/api/status',
  operationId: 'getStatus',
  tag: 'operation',
  scopes: ['read', 'run', 'ops'],
  summary: 'How each role does; lag, log kept at the source, throughput and noise over the last hour',
  params: noParameters,
  query: noParameters,
  answer: operationAnswer,
  handle: async ({ db, clock, checks, lastHour }) => ({
    body: await readOperation(db, { now: clock.now(), checks: checks(), lastHour }),
  }),
});
