import { healthAnswer } from '#libs/serve/health.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const HEALTH_PATH = '/api/health';

export const healthRoute = defineRoute({
  path: HEALTH_PATH,
  operationId: 'getHealth',
  tag: 'operation',
  open: 'always',
  summary: 'The process is alive; nothing else is asked',
  params: noParameters,
  query: noParameters,
  answer: healthAnswer,
  handle: () => ({ body: { status: 'ok' as const } }),
});
