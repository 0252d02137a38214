import { request } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '#libs/platform/postgres/database.ts';
import { studentMetricsAnswer } from '#libs/serve/student-metrics.ts';
import type { Api } from '../../services/api/role.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addPeople, ask, insertAll, startTestApi } from './support.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Readonly<Record<string, unknown>>;
}
interface Response {
  readonly headers: Readonly<Record<string, { required: boolean }>>;
  readonly content: Readonly<Record<string, { schema: Readonly<Record<string, unknown>> }>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
  readonly security?: readonly object[];
}
interface Described {
  readonly openapi: string;
  readonly tags: readonly { name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { properties: Readonly<Record<string, { description?: string }>> }>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}

let analytics: TestDatabase;
let api: Api;
let described: Described;
const ajv = new Ajv2020({ strict: false, validateFormats: false });

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_openapi');
  const { db } = analytics;
  await addPeople(db, 3, 1);
  const students = [1, 2, 3];
  await insertAll(
    db,
    'engagement_features',
    students.map((student_id) => ({ student_id, course_id: 1, engagement_score: 50 })),
  );
  api = await startTestApi(db);
  described = (await ask(`${api.url}/openapi.json`)).body as Described;
  ajv.addSchema(described, 'api');
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

function operation(path: string, method = 'get'): Operation {
  const found = described.paths[path]?.[method];
  if (found === undefined) throw new Error(`${method} ${path} is not described`);
  return found;
}

const operations = (): Operation[] => Object.values(described.paths).flatMap((methods) => Object.values(methods));

/** The target of a reference within the description. */
const at = (reference: string): unknown =>
  reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], described);

/** A pointer to the schema of an answer; undefined if that status has none. */
function schemaOf(path: string, method: string, status: number): string | undefined {
  const response = operation(path, method).responses[status];
  if (response === undefined) return undefined;
  const reference = '$ref' in response ? response.$ref : undefined;
  const pointed = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
  const place = reference ?? `#/paths/${pointed(path)}/${method}/responses/${status}`;
  return `api${place}/content/application~1json/schema`;
}

/** Fails unless the description has this answer, with the headers it promises. */
function expectDescribed(
  path: string,
  method: string,
  answer: { status: number; body: unknown; headers: Headers },
): void {
  const place = schemaOf(path, method, answer.status);
  expect([path, answer.status, place]).toEqual([path, answer.status, expect.any(String)]);
  const validate = ajv.getSchema(place ?? '');
  expect(validate, `${place} is not there`).toBeDefined();
  expect([validate?.(answer.body), validate?.errors, answer.body]).toEqual([true, null, answer.body]);
  const response = operation(path, method).responses[answer.status];
  const { headers } = (response !== undefined && '$ref' in response ? at(response.$ref) : response) as Response;
  for (const [name, { required }] of Object.entries(headers)) {
    if (required) expect([name, answer.headers.get(name)]).toEqual([name, expect.any(String)]);
  }
}

test('every route is described, itself among them, under a name of its own and one of the tags', () => {
  expect(described.openapi).toBe('3.1.0');
  const paths = ROUTES.map((route) => route.path.replaceAll(/:(\w+)/g, '{$1}'));
  expect(Object.keys(described.paths).sort()).toEqual(paths.sort());
  expect(paths).toContain('/openapi.json');
  expect(new Set(operations().map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
  const tags = described.tags.map(({ name }) => name);
  for (const { tags: own } of operations()) expect(tags).toEqual(expect.arrayContaining([...own]));
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(described).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, reference = '']) => reference,
  );
  expect(references.length).toBeGreaterThan(50);
  expect(references.filter((reference) => at(reference) === undefined)).toEqual([]);
  expect(JSON.stringify(described)).not.toMatch(/\$defs|__schema/);
});

test('integers have a least and a greatest value', () => {
  const unbounded: unknown[] = [];
  JSON.stringify(described, (_, value: unknown) => {
    const schema = value as { type?: unknown; minimum?: unknown; maximum?: unknown } | null;
    const isInteger = schema?.type === 'integer' || (Array.isArray(schema?.type) && schema.type.includes('integer'));
    if (isInteger && (schema?.minimum === undefined || schema.maximum === undefined)) unbounded.push(value);
    return value;
  });
  expect(unbounded).toEqual([]);
});

test('parameters are those that requests are read by, with their bounds and meanings', () => {
  const { parameters } = operation('/api/features/temporal/{student_id}');
  expect(parameters.map((parameter) => `${parameter.in} ${parameter.name} ${parameter.required}`)).toEqual([
    'path student_id true',
    'query from false',
    'query to false',
    'query course_id false',
    'query limit false',
    'query cursor false',
    'header If-None-Match false',
  ]);
  const limit = parameters.find(({ name }) => name === 'limit');
  expect(limit?.description).toContain('1 to 50000');
  expect(limit?.schema).toEqual({ type: 'integer', minimum: 1, maximum: 50_000, default: 50_000 });
  const id = {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1 },
      { type: 'string', format: 'uuid' },
    ],
  };
  expect(parameters[0]?.schema).toEqual(id);
  expect(parameters.every(({ description }) => description !== undefined)).toBe(true);
  expect(operation('/api/pipeline/trigger', 'post').parameters[0]?.schema).toEqual({ type: 'boolean', default: false });
  expect(operation('/api/pipeline/trigger', 'post').requestBody?.required).toBe(false);
  expect(operation('/api/pipeline/cancel', 'post').requestBody?.required).toBe(true);
});

test('answers have every column that is served, with its meaning', () => {
  const { properties } = described.components.schemas['StudentMetrics'] ?? { properties: {} };
  expect(Object.keys(properties)).toEqual(Object.keys(studentMetricsAnswer.element.shape));
  expect(properties['engagement_score']?.description).toBeTypeOf('string');
  const metrics = operation('/metrics').responses['200'] as Response;
  expect(metrics.content).toHaveProperty('text/plain');
});

test('lists have the Link header, and lists alone', () => {
  const linked = Object.entries(described.paths).flatMap(([path, { get }]) =>
    get !== undefined && 'Link' in (get.responses['200'] as Response).headers ? [path] : [],
  );
  expect(linked.sort(), 'a new list also stands here').toEqual([
    '/api/anomalies',
    '/api/attention',
    '/api/courses',
    '/api/directory',
    '/api/engagement/trends',
    '/api/features/temporal/{student_id}',
    '/api/metrics/course/{id}/students',
    '/api/rejected',
    '/api/students',
  ]);
});

const statuses = (path: string, method = 'get'): string => Object.keys(operation(path, method).responses).join(' ');

test('the statuses are those that can occur', () => {
  expect(statuses('/api/metrics/student/{id}')).toBe('200 304 400 401 403 404 405 406 408 429 431 500 503');
  expect(statuses('/api/engagement/trends')).toContain(' 404 ');
  expect(statuses('/api/students')).toContain(' 404 ');
  expect(statuses('/api/rejected')).toBe('200 304 400 401 403 405 406 408 429 431 500 503');
  expect(statuses('/api/pipeline/status')).toContain(' 404 ');
  expect(statuses('/api/pipeline/trigger', 'post')).toBe('200 202 400 401 403 404 405 408 409 413 415 429 431 500 503');
  expect(statuses('/api/health')).toBe('200 400 403 405 408 431 500 503');
  expect(operation('/api/health').security).toEqual([]);
});

describe('each that occurs is described', () => {
  const get = async (path: string, template = path.replace(/\?.*/, '')): Promise<number> => {
    const answer = await ask(api.url + path);
    expectDescribed(template, 'get', answer);
    return answer.status;
  };

  test('200, 400, 404', async () => {
    expect(await get('/api/students?limit=2')).toBe(200);
    expect(await get('/api/metrics/student/1', '/api/metrics/student/{id}')).toBe(200);
    expect(await get('/api/metrics/course/1', '/api/metrics/course/{id}')).toBe(200);
    expect(await get('/api/freshness')).toBe(200);
    expect(await get('/api/ready')).toBe(200);
    expect(await get('/openapi.json')).toBe(200);
    expect(await get('/api/health?depth=3')).toBe(400);
    expect(await get('/api/engagement/trends?course_id=99')).toBe(404);
    expect(await get('/api/trajectory/99', '/api/trajectory/{id}')).toBe(404);
    expect(await get('/api/pipeline/status?run_id=00000000-0000-4000-8000-000000000000')).toBe(404);
  });

  test('202, 405, 409, 413, 415 of what is sent', async () => {
    const post = async (path: string, body: string, type = 'application/json'): Promise<number> => {
      const answer = await ask(api.url + path, { method: 'POST', body, headers: { 'content-type': type } });
      expectDescribed(path, 'post', answer);
      return answer.status;
    };
    expect(await post('/api/pipeline/trigger', '{}')).toBe(202);
    expect(await post('/api/pipeline/trigger', '{}')).toBe(409);
    expect(await post('/api/pipeline/cancel', `{"run_id":"${'0'.repeat(70_000)}"}`)).toBe(413);
    expect(await post('/api/pipeline/cancel', '{}', 'text/plain')).toBe(415);
    const answer = await ask(`${api.url}/api/students`, { method: 'DELETE' });
    expectDescribed('/api/students', 'get', answer);
    expect(answer.status).toBe(405);
  });

  test('401 where tokens are set, 403 where they are not', async () => {
    const guarded = await startTestApi(analytics.db, { tokens: ['secret'] });
    const answer = await ask(`${guarded.url}/api/students`);
    expectDescribed('/api/students', 'get', answer);
    expect(answer.status).toBe(401);
    await guarded.stop();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(`${api.url}/api/health`, { headers: { host: 'elsewhere.example' } }, async (response) => {
        const body = JSON.parse((await response.toArray()).join('')) as unknown;
        const headers = new Headers(response.headers as Record<string, string>);
        expectDescribed('/api/health', 'get', { status: response.statusCode ?? 0, body, headers });
        resolve(response.statusCode);
      });
      asked.once('error', reject).end();
    });
    expect(status).toBe(403);
  });

  test('431', async () => {
    const answer = await ask(`${api.url}/api/students?cursor=${'a'.repeat(20_000)}`);
    expectDescribed('/api/students', 'get', answer);
    expect(answer.status).toBe(431);
  });

  test.each([
    [500, new TypeError('no')],
    [503, Object.assign(new Error('no'), { code: '57P01' })],
  ])('%i', async (status, error) => {
    const db: Database = { ...analytics.db, query: () => Promise.reject(error) };
    const broken = await startTestApi(db, { checks: () => ['it is broken'] });
    const answer = await ask(`${broken.url}/api/students`);
    expectDescribed('/api/students', 'get', answer);
    expect(answer.status).toBe(status);
    const ready = await ask(`${broken.url}/api/ready`);
    expectDescribed('/api/ready', 'get', ready);
    expect(ready.status).toBe(503);
    await broken.stop();
  });
});
