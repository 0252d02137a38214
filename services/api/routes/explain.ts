import { explainAnswer, explainParams, readExplanation } from '#libs/explain/index.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const explainRoute = defineRoute({
  path: '/api/explain/:student/:course/:feature',
  operationId: 'explainFeature',
  tag: 'features',
  summary: 'Why a feature has its value: definition, parts, source rows, rows left out, and what would change it',
  refusals: [404],
  params: explainParams,
  query: noParameters,
  answer: explainAnswer,
  handle: async ({ inSnapshot }, { params }) => ({ body: await inSnapshot((tx) => readExplanation(tx, params)) }),
});
