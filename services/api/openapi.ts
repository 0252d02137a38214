import type { z } from 'zod';
import { errorAnswer } from '#libs/serve/answers.ts';
import { describeRefusals, json, responsesOf } from './openapi-answers.ts';
import { Components, type JsonSchema } from './openapi-schemas.ts';
import { type Route, routePath, scopesOf, TAGS } from './route.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

function parametersOf(schema: z.ZodObject, place: Parameter['in'], components: Components): Parameter[] {
  const { properties = {} } = components.describe(schema, 'output');
  return Object.entries(properties).map(([name, described]) => {
    const { description, ...rest } = described as JsonSchema;
    return {
      name,
      in: place,
      required: !schema.shape[name]?.safeParse(undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

const IF_NONE_MATCH: Parameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'Tags of answers that the caller has: one that is still so is not sent again',
  schema: { type: 'string' },
};

/** The body is optional if all of its fields are. */
const requestBodyOf = (body: z.ZodObject, components: Components): object => ({
  required: !body.safeParse({}).success,
  content: json(components.describe(body, 'input')),
});

function operationOf(route: Route, components: Components): object {
  const { body, operationId, tag, summary } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    parameters: [
      ...parametersOf(route.params, 'path', components),
      ...parametersOf(route.query, 'query', components),
      ...(route.isList === true || route.isFinished === true ? [IF_NONE_MATCH] : []),
    ],
    ...(body === undefined ? {} : { requestBody: requestBodyOf(body, components) }),
    responses: responsesOf(route, components),
    ...(route.open === 'always' ? { security: [] } : { description: `Scope: ${scopesOf(route).join(' or ')}.` }),
  };
}

/** Several methods of one path share an entry. */
function pathsOf(routes: readonly Route[], components: Components): Record<string, object> {
  const paths: Record<string, object> = {};
  for (const route of routes) {
    const path = routePath(route);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, components) };
  }
  return paths;
}

/** The OpenAPI 3.1 description of the API, made from the schemas that parse requests and type answers. */
export function describeApi(routes: readonly Route[]): Record<string, unknown> {
  const components = new Components();
  const failure = components.describe(errorAnswer, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'PrepaData',
      version: '1',
      description:
        'Features of students in courses, equal to a recomputation from the source; unknown is null, never 0.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(routes, components),
    components: {
      schemas: components.schemas,
      responses: describeRefusals(failure),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}
