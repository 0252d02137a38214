import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Middleware } from 'koa';
import { NotFoundError } from '#libs/serve/errors.ts';
import { MethodNotAllowedError } from './failure.ts';

/** The paths of the pages; all get the same file, whose script chooses the page by the path. */
export const PAGES = ['/', '/ops', '/docs'] as const;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Everything is loaded from this server, nothing inline is run, and no other site may frame a page. */
const POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'connect-src'].map((kind) => `${kind} 'self'`),
  "img-src 'self' data:",
  ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
].join('; ');

/** A year: the names of these files contain their hashes. */
const FOR_EVER = 'public, max-age=31536000, immutable';

interface WebFile {
  readonly type: string;
  readonly etag: string;
  readonly cacheControl: string;
  /** The bytes by encoding. */
  readonly bytes: ReadonlyMap<string, Buffer>;
}

export interface WebFiles {
  readonly paths: readonly string[];
  readonly serve: Middleware;
}

/**
 * Keeps the built pages in memory; they need no token, since they contain no data.
 * @param folder what `npm run build:web` makes; if it is missing, each page says how to build it
 */
export function openWebFiles(folder: string): WebFiles {
  const files = readWebFiles(folder);
  return {
    paths: [...new Set<string>([...PAGES, ...files.keys()])],
    serve: async (ctx, next) => {
      const isAsked = ctx.method === 'GET' || ctx.method === 'HEAD';
      const isPage = PAGES.some((page) => page === ctx.path);
      const file = files.get(isPage ? '/index.html' : ctx.path);
      if (!isPage && file === undefined) return next();
      if (!isAsked) throw new MethodNotAllowedError(ctx.method, ctx.path, ['GET', 'HEAD']);
      if (file === undefined) throw notBuilt();
      ctx.state['route'] = 'web';
      send(ctx, file);
    },
  };
}

const notBuilt = (): NotFoundError =>
  new NotFoundError(
    'the pages are not built',
    'run npm run build:web once and start again; GET /openapi.json is the API',
  );

const send: (ctx: Parameters<Middleware>[0], file: WebFile) => void = (ctx, { type, etag, cacheControl, bytes }) => {
  const encoding = ctx.acceptsEncodings([...bytes.keys()]) || 'identity';
  ctx.set({ 'cache-control': cacheControl, etag, vary: 'accept-encoding', 'referrer-policy': 'no-referrer' });
  if (type.startsWith('text/html')) ctx.set('content-security-policy', POLICY);
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  ctx.set('content-type', type);
  if (encoding !== 'identity') ctx.set('content-encoding', encoding);
  ctx.body = bytes.get(encoding);
};

function readWebFiles(folder: string): Map<string, WebFile> {
  const files = new Map<string, WebFile>();
  if (!existsSync(folder)) return files;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = TYPES[path.extname(name)];
    if (type === undefined) continue;
    const read = (ending: string): Buffer => readFileSync(path.join(folder, `${name}${ending}`));
    const plain = read('');
    files.set(`/${name.replaceAll(path.sep, '/')}`, {
      type,
      etag: `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 27)}"`,
      cacheControl: name.startsWith('assets') ? FOR_EVER : 'no-cache',
      // In order of preference: the first one that the caller accepts is sent.
      bytes: new Map([
        ['br', read('.br')],
        ['gzip', read('.gz')],
        ['identity', plain],
      ]),
    });
  }
  return files;
}
