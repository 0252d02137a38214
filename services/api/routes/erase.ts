import { askForErasure, eraseAnswer, eraseBody, erasureAnswer, erasureParams, readErasure } from '#libs/serve/erase.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { TokenNeededError } from '../access.ts';
import { defineRoute } from '../route.ts';

export const eraseRoute = defineRoute({
  method: 'POST',
  path: '/api/erase',
  operationId: 'eraseStudent',
  tag: 'operation',
  scopes: ['ops'],
  summary: 'Forgets a student, for good: asks the reconcile role for it (202), or says what is left (200)',
  params: noParameters,
  query: noParameters,
  body: eraseBody,
  answer: eraseAnswer,
  others: { 202: { description: 'Asked for, or on its way already', answer: eraseAnswer } },
  refusals: [404, 409],
  handle: async ({ db }, { body, raw }) => {
    const { name } = raw.caller;
    if (name === null) throw new TokenNeededError('ops');
    const { goesOn, answer } = await askForErasure(db, body, `token:${name}`);
    return { status: goesOn ? 202 : 200, body: answer };
  },
});

export const erasureRoute = defineRoute({
  path: '/api/erase/:id',
  operationId: 'getErasure',
  tag: 'operation',
  scopes: ['ops'],
  summary: 'An erasure: how far it is and, once it is finished, the signed record of what was removed',
  params: erasureParams,
  query: noParameters,
  answer: erasureAnswer,
  handle: async ({ db }, { params }) => ({ body: await readErasure(db, params.id) }),
});
