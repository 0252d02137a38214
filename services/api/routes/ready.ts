import { notReadyAnswer, type Readiness, readReadiness, readyAnswer } from '#libs/serve/health.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const readyRoute = defineRoute({
  path: '/api/ready',
  operationId: 'getReadiness',
  tag: 'operation',
  scopes: ['read', 'run', 'ops'],
  open: 'probes',
  summary: 'Whether all that this process needs is well; 503 with reasons when not',
  params: noParameters,
  query: noParameters,
  answer: readyAnswer,
  others: { 503: { description: 'Something is not well: what', answer: notReadyAnswer } },
  handle: async ({ db, clock, checks, source, roles, countdown }, { raw }) => {
    const asked = { reasons: checks(), status: source(), roles, now: clock.now(), countdown };
    const all = await readReadiness(db, asked);
    const body = raw.caller.scopes.size > 0 ? all : withoutReasons(all);
    return { body, status: body.status === 'ready' ? 200 : 503 };
  },
});

/** A reason may name students whose features are not derived, so only callers with a token see it. */
const withoutReasons = (all: Readiness): Readiness =>
  all.status === 'ready' ? all : { ...all, reasons: [`${all.reasons.length} reasons; who has a token is told them`] };
