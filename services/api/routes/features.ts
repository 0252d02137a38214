import { catalogueAnswer, readCatalogue } from '#libs/serve/catalogue/index.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const featuresRoute = defineRoute({
  path: '/features',
  operationId: 'getCatalogue',
  tag: 'features',
  summary: 'The data catalogue: what every feature column means',
  isList: true,
  params: noParameters,
  query: noParameters,
  answer: catalogueAnswer,
  handle: async ({ db }) => ({ body: await readCatalogue(db) }),
});
