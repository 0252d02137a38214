import { hasEnded } from '#libs/domain/run.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import {
  acceptedAnswer,
  awaitRun,
  cancel,
  cancelBody,
  presentRun,
  readRunRequest,
  readStatus,
  runAnswer,
  statusAnswer,
  statusQuery,
  triggerBody,
  triggerQuery,
  triggerRun,
} from '#libs/serve/runs.ts';
import { defineRoute } from '../route.ts';

/** While a caller waits for a run: how often to look at it, and how long a process may take to begin it. Milliseconds. */
const LOOK_EVERY_MS = 250;
const BEGIN_WITHIN_MS = 30_000;

export const triggerRoute = defineRoute({
  method: 'POST',
  path: '/api/pipeline/trigger',
  operationId: 'triggerRun',
  tag: 'runs',
  summary: 'Asks for a reconcile or a backfill; with wait=true answers when it has ended, however it ended',
  params: noParameters,
  query: triggerQuery,
  body: triggerBody,
  answer: runAnswer,
  others: { 202: { description: 'Asked for; it goes on', answer: acceptedAnswer } },
  refusals: [404, 409],
  handle: async ({ db, clock }, { query, body, raw }) => {
    const request = await readRunRequest(db, body, clock.now());
    const runId = await triggerRun(db, { ...request, requestedBy: 'api' });
    if (!query.wait) return { status: 202, body: { run_id: runId, status: 'queued' as const } };
    const run = await awaitRun(db, runId, {
      signal: raw.left(),
      everyMs: LOOK_EVERY_MS,
      beginWithinMs: BEGIN_WITHIN_MS,
    });
    return hasEnded(run.status)
      ? { body: presentRun(run) }
      : { status: 202, body: { run_id: runId, status: run.status } };
  },
});

export const statusRoute = defineRoute({
  path: '/api/pipeline/status',
  operationId: 'getRun',
  tag: 'runs',
  scopes: ['read', 'run', 'ops'],
  summary: 'A run: how far it is and, once it has ended, what it found',
  params: noParameters,
  query: statusQuery,
  answer: statusAnswer,
  handle: async ({ db }, { query }) => ({ body: await readStatus(db, query.run_id) }),
});

export const cancelRoute = defineRoute({
  method: 'POST',
  path: '/api/pipeline/cancel',
  operationId: 'cancelRun',
  tag: 'runs',
  summary: 'Ends a run: at once while it is queued, else when its process hears of it (202)',
  params: noParameters,
  query: noParameters,
  body: cancelBody,
  answer: acceptedAnswer,
  others: { 202: { description: 'Its process is told', answer: acceptedAnswer } },
  refusals: [404, 409],
  handle: async ({ db }, { body }) => {
    const answer = await cancel(db, body.run_id);
    return { status: hasEnded(answer.status) ? 200 : 202, body: answer };
  },
});
