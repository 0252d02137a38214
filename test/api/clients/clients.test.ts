import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE } from '#libs/serve/catalogue/index.ts';
import { type Route, routePath, scopesOf } from '../../../services/api/route.ts';
import { ROUTES } from '../../../services/api/routes/index.ts';
import { SCOPES, type Scope } from '../../../services/api/tokens.ts';
import { isPythonLeftOut, runPython } from '../../support/python.ts';
import { type LivingApi, openLivingApi } from './world.ts';

/*
 * The API description, used by the tools that read it: one generates a typed client from it, the other tests the running
 * API against it. Both are installed separately (.ci/run does); without them these tests are skipped outside CI.
 */

const run = promisify(execFile);
const here = (name: string): string => path.join(import.meta.dirname, name);
const tool = (name: string): string => here(`generator/node_modules/.bin/${name}`);
const REQUIREMENTS = here('requirements.txt');
const isGeneratorLeftOut = process.env['CI'] === undefined && !existsSync(tool('openapi-typescript'));

let world: LivingApi;
let folder: string;
/** The description as served. */
let file: string;
beforeAll(async () => {
  if (isGeneratorLeftOut && isPythonLeftOut(REQUIREMENTS)) return;
  const tokens = SCOPES.map((scope) => `${scope}-bearer:token-${scope}:${scope}`);
  world = await openLivingApi([...tokens, `all-bearer:token-for-all:${SCOPES.join('|')}`]);
  folder = await mkdtemp(path.join(tmpdir(), 'prepadata-clients-'));
  file = path.join(folder, 'openapi.json');
  await writeFile(file, await (await fetch(`${world.url}/openapi.json`)).text());
});
afterAll(async () => {
  await world?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

describe.skipIf(isGeneratorLeftOut)('openapi-typescript', () => {
  const COLUMNS = CATALOGUE.filter(({ table }) => table !== 'temporal_features').map(({ name }) => name);

  /** Compiles only if a client generated from the description knows every named type. */
  const client = (score: string): string => `
    import type { components, operations } from './types.ts';
    type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : never;
    type IsKnown<T> = unknown extends T ? never : true;
    type Answer<O extends keyof operations> =
      operations[O]['responses'] extends { 200: { content: { 'application/json': infer A } } } ? A : never;
    type Metrics = Answer<'getStudentMetrics'>[number];
    type Query = NonNullable<operations['listEngagementTrends']['parameters']['query']>;
    export const known: { [N in ${COLUMNS.map((name) => `'${name}'`).join(' | ')}]: IsKnown<Metrics[N]> } =
      { ${COLUMNS.map((name) => `${name}: true`).join(', ')} };
    export const exact: [
      Is<Metrics['engagement_score'], ${score}>,
      Is<Metrics['inactivity'], components['schemas']['Flag'] | null>,
      Is<Answer<'listStudents'>[number]['name'], null>,
      Is<Answer<'getFreshness'>['lag_ms']['engagement'], number | null>,
      Is<Query['days'], number | undefined>,
      Is<Query['course_id'], number | string | undefined>,
      Is<operations['listRejected']['responses'][200]['headers']['Link'], string | undefined>,
      Is<operations['triggerRun']['responses'][202]['content']['application/json'], components['schemas']['AcceptedRun']>,
      Is<operations['triggerRun']['responses'][409]['content']['application/json'], components['schemas']['Error']>,
    ] = [true, true, true, true, true, true, true, true, true];
  `;

  const compile = async (text: string): Promise<string> => {
    await writeFile(path.join(folder, 'client.ts'), text);
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--allowImportingTsExtensions', '--skipLibCheck'];
    const tried = await run(tool('tsc'), [...options, path.join(folder, 'client.ts')]).catch((error: unknown) => error);
    return (tried as { stdout: string }).stdout;
  };

  test('makes a client that knows the columns, parameters, headers and refusals', async () => {
    await run(tool('openapi-typescript'), [file, '-o', path.join(folder, 'types.ts')]);
    expect(await compile(client('number | null'))).toBe('');
    expect(await compile(client('number'))).toMatch(/client\.ts\(\d+,\d+\): error TS/);
  });
});

/** Adds a valid cursor for each list: nobody can make one up, and the description cannot express it. */
async function withCursors(url: string, text: string): Promise<string> {
  const described = JSON.parse(text) as {
    paths: Record<string, Record<string, { parameters: { name: string; schema: object }[] }>>;
  };
  // The stream of events lasts as long as somebody listens, so waiting for its end would take for ever.
  delete described.paths['/api/events'];
  for (const [template, operations] of Object.entries(described.paths)) {
    const cursor = operations['get']?.parameters.find(({ name }) => name === 'cursor');
    if (cursor === undefined) continue;
    // Within a single week few students come to need somebody.
    const wider = { '/api/attention': '&days=all', '/api/directory': '&course_id=1' }[template] ?? '';
    const response = await fetch(`${url}${template.replace(/\{\w+\}/, '1')}?limit=1${wider}`);
    const [, given] = /cursor=([\w-]+)/.exec(response.headers.get('link') ?? '') ?? [];
    expect([template, given]).toEqual([template, expect.any(String)]);
    cursor.schema = { type: 'string', enum: [given] };
  }
  return JSON.stringify(described);
}

/** Not allowed; or, for malformed requests, no such route or method, or too long to be read. */
const REFUSALS = [403, 404, 405, 431];

/** The description of what a token of one scope may not do: any answer but a refusal is wrong. */
function beyond(scope: Scope, text: string): string {
  const described = JSON.parse(text) as { paths: Record<string, Record<string, { responses: object }>> };
  const isLetIn = (route: Route): boolean => route.open === 'always' || scopesOf(route).includes(scope);
  for (const route of ROUTES) {
    const operations = described.paths[routePath(route)] ?? {};
    const method = route.method.toLowerCase();
    const operation = operations[method];
    if (operation === undefined) continue;
    if (isLetIn(route)) delete operations[method];
    else operation.responses = Object.fromEntries(REFUSALS.map((status) => [status, { description: 'Refused' }]));
  }
  return JSON.stringify(described);
}

describe.skipIf(isPythonLeftOut(REQUIREMENTS))('schemathesis', () => {
  /** Per route, in addition to the edge values of each parameter. A number instead of a time limit, so that every machine does the same. */
  const EXAMPLES = process.env['API_EXAMPLES'] ?? '25';
  /** A refusal comes before anybody looks at the request's details. */
  const REFUSED_EXAMPLES = '3';

  test.each(SCOPES)('finds nothing that is answered beyond the scope %s', { timeout: 200_000 }, async (scope) => {
    const described = path.join(folder, `beyond-${scope}.json`);
    await writeFile(described, beyond(scope, await (await fetch(`${world.url}/openapi.json`)).text()));
    const program = ['bin/schemathesis', '--config-file', here('schemathesis.toml'), 'run', described, '--no-color'];
    const options = ['--phases', 'fuzzing', '--max-examples', REFUSED_EXAMPLES, '--seed', '1'];
    const checks = ['--checks', 'status_code_conformance', '--header', `Authorization: Bearer token-${scope}`];
    const args = [...program, '--url', world.guardedUrl, ...options, ...checks];
    const told = await runPython(REQUIREMENTS, args, { timeout: 150_000, cwd: folder }).catch(
      (error: { stdout?: string }) => error.stdout ?? String(error),
    );
    expect(told).toMatch(/Tested: +[1-9]/);
    expect(told).not.toMatch(/❌|🚫|FAILURES|ERRORS/u);
  });

  test('finds no answer of the API that its description does not have', { timeout: 300_000 }, async () => {
    const described = path.join(folder, 'tried.json');
    await writeFile(described, await withCursors(world.url, await (await fetch(`${world.url}/openapi.json`)).text()));
    const options = ['--phases', 'coverage,fuzzing', '--max-examples', EXAMPLES, '--seed', '1'];
    const program = ['bin/schemathesis', '--config-file', here('schemathesis.toml'), 'run', described, '--no-color'];
    const bearer = ['--header', 'Authorization: Bearer token-for-all'];
    const args = [...program, '--url', world.guardedUrl, ...options, ...bearer, '--request-timeout', '60'];
    // It leaves notes in its working directory.
    const tried = await runPython(REQUIREMENTS, args, { timeout: 240_000, cwd: folder }).catch(
      (error: { stdout?: string }) => error.stdout ?? String(error),
    );
    const told = tried
      .split('\n')
      .map((line) => line.slice(0, 400))
      .join('\n');
    expect(told).toMatch(/Tested: +\d+/);
    expect(told).not.toMatch(/❌|🚫|FAILURES|ERRORS/u);
  });
});
