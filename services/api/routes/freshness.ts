import { freshnessAnswer, readFreshness } from '#libs/serve/freshness.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const freshnessRoute = defineRoute({
  path: '/api/freshness',
  operationId: 'getFreshness',
  tag: 'operation',
  scopes: ['read', 'run', 'ops'],
  summary: 'How far the stream, the derivers and the calendar are, and what was rejected',
  params: noParameters,
  query: noParameters,
  answer: freshnessAnswer,
  handle: async ({ db, clock, source, roles }) => ({
    body: await readFreshness(db, { now: clock.now(), source: source(), roles }),
  }),
});
