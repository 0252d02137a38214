import { afterAll, beforeAll, expect, test } from 'vitest';
import { studentMetricsAnswer } from '#libs/serve/student-metrics.ts';
import type { Api } from '../../services/api/role.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { ask, createAnalytics, startTestApi } from './support.ts';

interface Described {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
}
interface Operation {
  readonly parameters: readonly { name: string; in: string; required: boolean; description?: string; schema: object }[];
  readonly responses: Readonly<
    Record<string, { content: Readonly<Record<string, { schema: Record<string, unknown> }>> }>
  >;
}

let analytics: TestDatabase;
let api: Api;
let described: Described;

beforeAll(async () => {
  analytics = await createAnalytics('api_openapi');
  api = await startTestApi(analytics.db);
  described = (await ask(`${api.url}/openapi.json`)).body as Described;
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

function operation(path: string): Operation {
  const found = described.paths[path]?.get;
  if (found === undefined) throw new Error(`${path} is not described`);
  return found;
}

test('every route is described, itself among them', () => {
  expect(described.openapi).toBe('3.1.0');
  const paths = ROUTES.map((route) => route.path.replaceAll(/:(\w+)/g, '{$1}'));
  expect(Object.keys(described.paths).sort()).toEqual(paths.sort());
  expect(paths).toContain('/openapi.json');
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
  ]);
  expect(parameters.find((parameter) => parameter.name === 'limit')?.description).toContain('1 to 50000');
  expect(parameters[0]?.schema).toMatchObject({ type: 'string', pattern: expect.stringContaining('0-9a-f') });
});

test('answers have every column that is served, with its meaning; errors are those of every route', () => {
  const { responses } = operation('/api/metrics/student/{id}');
  const schema = responses['200']?.content['application/json']?.schema as {
    items: { properties: Record<string, { description?: string }> };
  };
  expect(Object.keys(schema.items.properties)).toEqual(Object.keys(studentMetricsAnswer.element.shape));
  expect(schema.items.properties['engagement_score']?.description).toBeTypeOf('string');
  expect(Object.keys(responses)).toEqual(['200', '400', '401', '404', '503']);
  expect(Object.keys(operation('/api/health').responses)).not.toContain('400');
  expect(operation('/metrics').responses['200']?.content).toHaveProperty('text/plain');
});
