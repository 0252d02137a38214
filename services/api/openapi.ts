import type { z } from 'zod';
import { errorAnswer } from '#libs/serve/answers.ts';
import { Components, type JsonSchema } from './openapi-schemas.ts';
import { type Route, TAGS } from './route.ts';
import { HEALTH_PATH } from './routes/health.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
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

/** `/api/metrics/student/:id` as OpenAPI writes it: `/api/metrics/student/{id}`. */
const templateOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

interface Header {
  readonly description: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

const header = (description: string, required = true): Header => ({
  description,
  required,
  schema: { type: 'string' },
});

const HEADERS = {
  'X-Request-Id': header('Of this request; the log has it too'),
  Link: header(
    'Where rows are left: the page after this one, `<path>; rel="next"`. Without it the list is whole',
    false,
  ),
  Allow: header('The methods there are'),
  'WWW-Authenticate': header('How to say who asks'),
};

type HeaderName = keyof typeof HEADERS;

/** Written out where they stand: generators take a header that is referred to for one that is always there. */
const headers = (...names: readonly HeaderName[]): Partial<Record<HeaderName, Header>> =>
  Object.fromEntries((['X-Request-Id', ...names] as const).map((name) => [name, HEADERS[name]]));

/** Refusals that any route may answer with, by status: what they mean, and their headers. */
const REFUSALS: Readonly<Record<number, readonly [description: string, ...headers: HeaderName[]]>> = {
  400: ['A parameter or field is wrong, or there is none of that name; the message says which. Or it is no HTTP'],
  401: ['No token, or one that is not known, where tokens are set', 'WWW-Authenticate'],
  403: ['Where no tokens are set: the Host or the Origin is not this machine'],
  404: ['An id that was never seen'],
  405: ['The path has no such method', 'Allow'],
  408: ['The request did not come to its end in time'],
  409: ['A run stands in the way, or has ended'],
  413: ['The body is longer than any that makes sense'],
  431: ['The address and headers are longer than any that make sense'],
  500: ['A fault of ours: the message names the request, and the log says more'],
  503: ['A database does not answer'],
};

const json = (schema: object): object => ({ 'application/json': { schema } });

/** Some occur everywhere; whose id can be unknown, who takes a body, or is asked without a token, is seen by its route. */
function refusalsOf(route: Route): Record<string, object> {
  const names = [...Object.keys(route.params.shape), ...Object.keys(route.query.shape)];
  const statuses = new Set([400, 403, 405, 408, 431, 500, 503, ...(route.refusals ?? [])]);
  if (route.path !== HEALTH_PATH) statuses.add(401);
  if (names.some((name) => /id$/i.test(name))) statuses.add(404);
  if (route.body !== undefined) statuses.add(413);
  return Object.fromEntries([...statuses].map((status) => [status, { $ref: `#/components/responses/${status}` }]));
}

function responsesOf(route: Route, components: Components): Record<string, object> {
  const isPaged = 'cursor' in route.query.shape;
  const answered = (description: string, answer: z.ZodType): object => ({
    description,
    headers: isPaged ? headers('Link') : headers(),
    content: { [route.mediaType ?? 'application/json']: { schema: components.describe(answer, 'output') } },
  });
  const others = Object.entries(route.others ?? {});
  return {
    200: answered('The answer', route.answer),
    ...refusalsOf(route),
    ...Object.fromEntries(others.map(([status, { description, answer }]) => [status, answered(description, answer)])),
  };
}

/** Where all fields may be left out, so may the body. */
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
    parameters: [...parametersOf(route.params, 'path', components), ...parametersOf(route.query, 'query', components)],
    ...(body === undefined ? {} : { requestBody: requestBodyOf(body, components) }),
    responses: responsesOf(route, components),
    ...(route.path === HEALTH_PATH ? { security: [] } : {}),
  };
}

/** A path with several methods is described once. */
function pathsOf(routes: readonly Route[], components: Components): Record<string, object> {
  const paths: Record<string, object> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, components) };
  }
  return paths;
}

/** The API in the words of OpenAPI 3.1, made from the schemas by which requests are read and answers are typed. */
export function describeApi(routes: readonly Route[]): Record<string, unknown> {
  const components = new Components();
  const failure = json(components.describe(errorAnswer, 'output'));
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
      responses: Object.fromEntries(
        Object.entries(REFUSALS).map(([status, [description, ...names]]) => [
          status,
          { description, headers: headers(...names), content: failure },
        ]),
      ),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}
