import { z } from 'zod';
import { noParameters } from '#libs/serve/parameters.ts';
import { readReadings } from '#libs/serve/readings.ts';
import { defineRoute } from '../route.ts';

export const metricsRoute = defineRoute({
  path: '/metrics',
  operationId: 'getPrometheusMetrics',
  tag: 'operation',
  scopes: ['ops'],
  open: 'probes',
  summary: 'How the service does, in the text form of Prometheus',
  mediaTypes: ['text/plain'],
  params: noParameters,
  query: noParameters,
  answer: z.string(),
  handle: async ({ db, clock, source, metrics }) => ({
    body: await metrics.text(await readReadings(db, clock.now(), source())),
    contentType: metrics.contentType,
  }),
});
