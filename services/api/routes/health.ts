import { healthAnswer } from '#libs/serve/health.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const healthRoute = defineRoute({
  path: '/api/health',
  operationId: 'getHealth',
  tag: 'operation',
  open: 'always',
  summary: 'The process is alive; nothing else is asked',
  params: noParameters,
  query: noParameters,
  answer: healthAnswer,
  handle: () => ({ body: { status: 'ok' as const } }),
});
