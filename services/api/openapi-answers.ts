import type { z } from 'zod';
import { tableColumns } from './csv-answer.ts';
import type { Components, JsonSchema } from './openapi-schemas.ts';
import type { Route } from './route.ts';

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
  ETag: header('Of this answer, for If-None-Match; none where it is so long that it is sent as it is read', false),
  'Content-Disposition': header('Of a table: the name of the file', false),
  'Content-Encoding': header('br or gzip, where the caller takes it and it is worth it', false),
  Allow: header('The methods there are'),
  'WWW-Authenticate': header('How to say who asks'),
  'Retry-After': header('Seconds until one may try again, where that is known', false),
};

type HeaderName = keyof typeof HEADERS;

/** Headers are written out in each answer: generators take a header given by $ref for one that is always there. */
const headers = (...names: readonly HeaderName[]): Partial<Record<HeaderName, Header>> =>
  Object.fromEntries((['X-Request-Id', ...names] as const).map((name) => [name, HEADERS[name]]));

/** Refusals that any route may answer with, by status: what they mean, and their headers. */
const REFUSALS: Readonly<Record<number, readonly [description: string, ...headers: HeaderName[]]>> = {
  400: ['A parameter or field is wrong, or there is none of that name; the message says which. Or it is no HTTP'],
  401: ['No token, or one that is not known, where tokens are set', 'WWW-Authenticate'],
  403: ['The Host is no name of this service, the Origin is another site, or the token is not for this route'],
  404: ['An id that was never seen'],
  405: ['The path has no such method', 'Allow'],
  406: ['Of what this route answers with, the header Accept takes nothing'],
  408: ['The request did not come to its end in time'],
  409: ['A run stands in the way, or has ended; or another set is being sent'],
  413: ['The body is longer than any that makes sense'],
  415: ['The body is not said to be JSON'],
  429: ['Too many wrong tokens came from this address', 'Retry-After'],
  431: ['The address and headers are longer than any that make sense'],
  500: ['A fault of ours: the message names the request, and the log says more'],
  503: [
    'A database does not answer, or what is asked for is done for somebody else, or what is asked for is not derived yet',
    'Retry-After',
  ],
};

const TABLE: JsonSchema = {
  type: 'string',
  description:
    'The same rows as a table (RFC 4180, UTF-8): a header line, the fields as columns; what is unknown is empty, what has parts is JSON, and text that could be taken for a formula begins with an apostrophe',
};

export const json = (schema: object): object => ({ 'application/json': { schema } });

/** Some occur everywhere; the others follow from the route: ids that may be unknown, a body, a token, a table. */
function refusalsOf(route: Route): Record<string, object> {
  const names = [...Object.keys(route.params.shape), ...Object.keys(route.query.shape)];
  const statuses = new Set([400, 403, 405, 408, 431, 500, 503, ...(route.refusals ?? [])]);
  if (route.open !== 'always') for (const status of [401, 429]) statuses.add(status);
  if (names.some((name) => /id$/i.test(name))) statuses.add(404);
  if (tableColumns(route) !== null) statuses.add(406);
  if (route.body !== undefined) for (const status of [413, 415]) statuses.add(status);
  return Object.fromEntries([...statuses].map((status) => [status, { $ref: `#/components/responses/${status}` }]));
}

/** The answers of one route, by status. */
export function responsesOf(route: Route, components: Components): Record<string, object> {
  const { isList = false, isFinished = false } = route;
  const isTagged = isList || isFinished;
  const isTable = tableColumns(route) !== null;
  const ofLists: HeaderName[] = [
    ...(isTagged ? (['ETag'] as const) : []),
    ...(isList ? (['Content-Encoding'] as const) : []),
    ...(isTable ? (['Content-Disposition'] as const) : []),
    ...('cursor' in route.query.shape ? (['Link'] as const) : []),
  ];
  const answered = (description: string, answer: z.ZodType): object => ({
    description,
    headers: headers(...ofLists),
    content: {
      ...Object.fromEntries(
        (route.mediaTypes ?? ['application/json']).map((type) => [
          type,
          { schema: components.describe(answer, 'output') },
        ]),
      ),
      ...(isTable ? { 'text/csv': { schema: TABLE } } : {}),
    },
  });
  const others = Object.entries(route.others ?? {});
  return {
    200: answered('The answer', route.answer),
    ...(isTagged ? { 304: { description: 'If-None-Match has it', headers: headers('ETag') } } : {}),
    ...refusalsOf(route),
    ...Object.fromEntries(others.map(([status, { description, answer }]) => [status, answered(description, answer)])),
  };
}

/** The refusals themselves; the answers of routes refer to them. */
export const describeRefusals = (failure: JsonSchema): Record<string, object> =>
  Object.fromEntries(
    Object.entries(REFUSALS).map(([status, [description, ...names]]) => [
      status,
      { description, headers: headers(...names), content: json(failure) },
    ]),
  );
