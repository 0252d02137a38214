import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CATALOGUE, catalogueAnswer } from '#libs/serve/catalogue/index.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { ask, errorOf, startTestApi } from './support.ts';

let analytics: TestDatabase;
let api: Api;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_features');
  api = await startTestApi(analytics.db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILE = 'services/catalogue/main.ts';

function catalogue(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', FILE, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout: stdout.join(''), stderr: stderr.join('') }));
  });
}

test('npm run catalogue is the program below', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['catalogue']).toMatch(new RegExp(`launch\\.mjs ${FILE}$`));
});

test('GET /features is the catalogue', async () => {
  const { status, body } = await ask(`${api.url}/features`);
  expect(status).toBe(200);
  expect(catalogueAnswer.parse(body)).toEqual(CATALOGUE.map((entry) => ({ ...entry, version: 1 })));
  expect(body).toContainEqual({
    name: 'login_count_7d',
    table: 'engagement_features',
    unit: 'count',
    formula: 'Logins.',
    window: '7 days',
    null_when: 'nobody in the course had a login by then',
    exactness: 'exact',
    source_rows: 'activity_logs: login',
    version: 1,
  });
});

test('it takes no parameters', async () => {
  const answer = await ask(`${api.url}/features?table=engagement_features`);
  expect(answer.status).toBe(400);
  expect(errorOf(answer).message).toBe('there is no parameter "table" here');
});

test('npm run catalogue prints it for people', async () => {
  const { code, stdout } = await catalogue();
  expect(code).toBe(0);
  for (const { name, table } of CATALOGUE) {
    expect(stdout).toContain(`\n${name} `);
    expect(stdout).toContain(`${table}: `);
  }
});

test('npm run catalogue -- --json prints what the API serves, but for the version, which the database keeps', async () => {
  const { code, stdout } = await catalogue('--json');
  expect(code).toBe(0);
  const served = (await ask(`${api.url}/features`)).body as { version: number }[];
  expect(JSON.parse(stdout)).toEqual(served.map(({ version, ...entry }) => entry));
  expect(served.map(({ version }) => version)).toEqual(served.map(() => 1));
});

test('--help says what it does, and an argument that is not known ends it with 2', async () => {
  expect(await catalogue('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('npm run catalogue') });
  expect(await catalogue('--yaml')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/catalogue: .*--yaml.*\n {2}npm run catalogue -- --help/),
  });
});
