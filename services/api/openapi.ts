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

function operationOf(route: Route): object {
  const isText = route.answer instanceof z.ZodString;
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')];
  return {
    summary: route.summary,
    parameters,
    responses: {
      200: {
        description: 'The answer',
        content: { [isText ? 'text/plain' : 'application/json']: { schema: schemaOf(route.answer, 'output') } },
      },
      ...(parameters.length === 0 ? {} : { 400: failure('A parameter is wrong; the message names it') }),
      ...(route.path.includes(':') ? { 404: failure('An id that was never seen') } : {}),
      401: failure('No token, or one that is not known, where tokens are set'),
      503: failure('A database does not answer'),
    },
  };
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
    paths: Object.fromEntries(routes.map((route) => [templateOf(route.path), { get: operationOf(route) }])),
    components: {
      schemas: { Error: schemaOf(errorAnswer, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}
