import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { get, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../../services/api/role.ts';
import { ask, errorOf, startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

let analytics: TestDatabase;
let api: Api;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('web_serving');
  api = await startTestApi(analytics.db, { tokens: ['battery-staple'] });
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const page = async (path: string): Promise<string> => (await fetch(api.url + path)).text();
const assetsOf = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');

test('a page is served to anybody, is asked for anew each time, and may run and load nothing but what comes from here', async () => {
  for (const path of ['/', '/ops', '/docs']) {
    const answer = await fetch(api.url + path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const text = await answer.text();
    expect(text).not.toMatch(/<script(?![^>]*src=)|<style|style="|\son\w+=/);
    expect(assetsOf(text).length).toBeGreaterThanOrEqual(3);
  }
});

test('what else is asked of a page is refused, and said what it takes', async () => {
  for (const path of ['/ops', ...assetsOf(await page('/')).slice(0, 1)]) {
    const answer = await fetch(api.url + path, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await answer.text()).toContain(`${path} does not take POST`);
  }
});

test('whoever has a page already is told so', async () => {
  const etag = (await fetch(`${api.url}/`)).headers.get('etag') ?? '';
  const again = await raw('/', { 'if-none-match': etag });
  expect(again).toMatchObject({ status: 304, bytes: 0 });
});

test('what it is made of bears its hash, is kept for ever, and comes in the encoding that is asked for', async () => {
  for (const path of assetsOf(await page('/'))) {
    expect(path).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.\w+$/);
    const sizes = new Map<string, number>();
    for (const encoding of ['br', 'gzip', 'identity']) {
      const { headers, bytes } = await raw(path, { 'accept-encoding': encoding });
      expect(headers['cache-control']).toContain('immutable');
      expect(headers['vary']).toContain('accept-encoding');
      expect(headers['content-encoding']).toBe(encoding === 'identity' ? undefined : encoding);
      sizes.set(encoding, bytes);
    }
    expect(sizes.get('br')).toBeLessThanOrEqual(sizes.get('gzip') ?? 0);
  }
});

test('the first page weighs 150 KB at most, and is not made heavier by what few open', async () => {
  const languages = readdirSync(new URL('../../services/web/dist/assets/', import.meta.url)).filter((name) =>
    /^(en|fr|ar)-[^.]+\.js$/.test(name),
  );
  expect(languages).toHaveLength(3);
  const named = assetsOf(await page('/'));
  const weights = await Promise.all(
    ['/', ...named, ...languages.map((name) => `/assets/${name}`)].map(
      async (path) => (await raw(path, { 'accept-encoding': 'gzip' })).bytes,
    ),
  );
  expect(weights.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(150_000);
});

interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
}

/** The raw answer. */
const raw = (path: string, headers: OutgoingHttpHeaders): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    get(api.url + path, { headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, bytes }));
    }).on('error', reject);
  });

test('nothing else of the folder is served, nor anything outside of it', async () => {
  for (const path of ['/.made-of', '/assets/', '/index.html.br', '/..%2fbuild.mjs', '/assets/../../build.mjs'])
    expect((await fetch(api.url + path, { headers: { authorization: 'Bearer battery-staple' } })).status, path).toBe(
      404,
    );
});

test('no page, script or style names another place', () => {
  const folder = new URL('../../services/web/', import.meta.url);
  expect(readFileSync(new URL('index.html', folder), 'utf8')).not.toMatch(/https?:\/\//);
  expect(readFileSync(new URL('src/style.css', folder), 'utf8')).not.toMatch(/url\(|@import|https?:\/\//);
});

test('where the pages are not built, they say how to build them, and the rest is served', async () => {
  const bare = await startTestApi(analytics.db, { pages: '/nowhere' });
  try {
    expect(errorOf(await ask(`${bare.url}/`))).toMatchObject({ hint: expect.stringContaining('npm run build:web') });
    expect((await ask(`${bare.url}/api/health`)).status).toBe(200);
  } finally {
    await bare.stop();
  }
});

test('what keeps the pages from being built is told with what helps', () => {
  const web = path.join(import.meta.dirname, '../../services/web');
  const told = (name: string): string => {
    const root = mkdtempSync(path.join(tmpdir(), name));
    for (const each of ['src', 'index.html', 'vite.config.ts', 'build.mjs'])
      cpSync(path.join(web, each), path.join(root, 'services/web', each), { recursive: true });
    cpSync(path.join(web, '../../package-lock.json'), path.join(root, 'package-lock.json'));
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'services/web/build.mjs')], {
      encoding: 'utf8',
    });
    rmSync(root, { recursive: true });
    expect(status).toBe(1);
    return stderr;
  };
  expect(told('prepadata-c#-')).toMatch(/^The pages cannot be built: the path .* has a # .*; move the project .*\n$/);
  expect(told('prepadata-web-')).toMatch(/^The pages cannot be built: packages .* npm ci --include=dev .*\n$/);
});
