import { z } from 'zod';
import { noParameters } from '#libs/serve/parameters.ts';
import { describeApi } from '../openapi.ts';
import { defineRoute, type Route } from '../route.ts';
import { SCOPES } from '../tokens.ts';

/** The route that describes the given routes and itself. */
export function openapiRoute(others: readonly Route[]): Route {
  const own: Route = defineRoute({
    path: '/openapi.json',
    operationId: 'getOpenApi',
    tag: 'operation',
    scopes: SCOPES,
    summary: 'This description: OpenAPI 3.1',
    params: noParameters,
    query: noParameters,
    answer: z.record(z.string(), z.unknown()),
    handle: () => ({ body: description }),
  });
  const description = describeApi([...others, own]);
  return own;
}
