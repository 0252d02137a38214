import { notReadyAnswer, readReadiness, readyAnswer } from '#libs/serve/health.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const readyRoute = defineRoute({
  path: '/api/ready',
  operationId: 'getReadiness',
  tag: 'operation',
  summary: 'Whether all that this process needs is well; 503 with reasons when not',
  params: noParameters,
  query: noParameters,
  answer: readyAnswer,
  others: { 503: { description: 'Something is not well: what', answer: notReadyAnswer } },
  handle: async ({ db, clock, checks, source, roles }) => {
    const body = await readReadiness(db, checks(), source(), roles, clock.now());
    return { body, status: body.status === 'ready' ? 200 : 503 };
  },
});
