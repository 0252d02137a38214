import { z } from 'zod';
import { errorAnswer } from '#libs/serve/answers.ts';
import type { Route } from './route.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

/** Parameters are described as they stand in a URL, answers as they are sent. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const {
    $schema: _,
    '~standard': __,
    ...described
  } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as JsonSchema & {
    '~standard'?: unknown;
  };
  return described;
};

function parametersOf(schema: z.ZodObject, place: Parameter['in']): Parameter[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input');
  return Object.entries(properties).map(([name, described]) => {
    const { description, ...rest } = described as JsonSchema;
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** `/api/metrics/student/:id` as OpenAPI writes it: `/api/metrics/student/{id}`. */
const templateOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

const failure = (description: string): object => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
});

function responsesOf(route: Route, takesInput: boolean): Record<number, object> {
  const isText = route.answer instanceof z.ZodString;
  const success = (description: string, answer: z.ZodType): object => ({
    description,
    content: { [isText ? 'text/plain' : 'application/json']: { schema: schemaOf(answer, 'output') } },
  });
  const refusals = Object.entries(route.refusals ?? {});
  return {
    200: success('The answer', route.answer),
    ...(route.accepted === undefined ? {} : { 202: success('Asked for; it goes on', route.accepted) }),
    ...(takesInput ? { 400: failure('A parameter or field is wrong; the message names it') } : {}),
    ...(route.path.includes(':') ? { 404: failure('An id that was never seen') } : {}),
    ...Object.fromEntries(refusals.map(([status, description]) => [status, failure(description)])),
    ...(route.body === undefined ? {} : { 413: failure('The body is longer than any that makes sense') }),
    401: failure('No token, or one that is not known, where tokens are set'),
    503: failure('A database does not answer'),
  };
}

function operationOf(route: Route): object {
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')];
  const { body } = route;
  return {
    summary: route.summary,
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: responsesOf(route, parameters.length > 0 || body !== undefined),
  };
}

/** A path with several methods is described once. */
function pathsOf(routes: readonly Route[]): Record<string, object> {
  const paths: Record<string, object> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return paths;
}

/** The API in the words of OpenAPI 3.1, made from the schemas by which requests are read and answers are typed. */
export function describeApi(routes: readonly Route[]): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'PrepaData',
      version: '1',
      description:
        'Features of students in courses, equal to a recomputation from the source; unknown is null, never 0.',
    },
    paths: pathsOf(routes),
    components: {
      schemas: { Error: schemaOf(errorAnswer, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}
