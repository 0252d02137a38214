import { afterAll, beforeAll, expect, test } from 'vitest';
import { docsPage } from '../../services/api/docs-page.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { ask, startTestApi } from './support.ts';

let analytics: TestDatabase;
let api: Api;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_docs');
  api = await startTestApi(analytics.db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

interface Described {
  readonly paths: Record<string, Record<string, { parameters: { name: string }[]; responses: object }>>;
  readonly components: { readonly responses: Record<string, { description: string }> };
}

test('/docs shows every route with its parameters and statuses, and fetches nothing from anywhere', async () => {
  const answer = await fetch(`${api.url}/docs`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  const page = await answer.text();
  expect(page).toContain('<a href="openapi.json">');
  expect(page).not.toMatch(/<script|<link|<img|https?:\/\//);
  const { paths, components } = (await ask(`${api.url}/openapi.json`)).body as Described;
  const sections = page.split('<h2>');
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { parameters, responses }] of Object.entries(methods)) {
      const shown = sections.filter((text) => text.startsWith(`<code>${method.toUpperCase()} ${path}</code>`));
      expect(shown, path).toHaveLength(1);
      for (const cell of [...parameters.map(({ name }) => name), ...Object.keys(responses)])
        expect(shown[0], `${path} ${cell}`).toContain(`<td>${cell}</td>`);
      expect(shown[0]).toContain(`<td>500</td><td>${components.responses['500']?.description}</td>`);
    }
  }
});

test('what a description says is text, whatever signs are in it', () => {
  const page = docsPage({
    info: { title: '<A> & "B"' },
    paths: { '/<x>': { get: { parameters: [{ name: 'n', required: true, schema: { enum: ['<a>', 'b'] } }] } } },
  });
  expect(page).toContain('<h1>&lt;A&gt; &amp; &quot;B&quot;</h1>');
  expect(page).toContain('<code>GET /&lt;x&gt;</code>');
  expect(page).toContain('<td>n</td><td>&lt;a&gt; or b</td>');
});

test('where tokens are set it asks for one, as every route does', async () => {
  const guarded = await startTestApi(analytics.db, { tokens: ['secret'] });
  expect((await fetch(`${guarded.url}/docs`)).status).toBe(401);
  const headers = { authorization: 'Bearer secret' };
  expect((await fetch(`${guarded.url}/docs`, { headers })).status).toBe(200);
  await guarded.stop();
});
