import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Router } from '@koa/router';
import Koa from 'koa';
import type { Log } from '#libs/platform/log.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import { NotFoundError } from '#libs/serve/errors.ts';
import { type Gate, requireScope, UnauthorizedError } from './access.ts';
import type { AccessRecord } from './access-record.ts';
import { readJson } from './body.ts';
import { tableColumns, wantedTable, writeTable } from './csv-answer.ts';
import { type ApiFailure, MethodNotAllowedError, toFailure } from './failure.ts';
import { forFinished, forLists } from './lists.ts';
import { type ApiContext, type Route, routePath, scopesOf } from './route.ts';
import type { Caller } from './tokens.ts';
import { writeJson, writeReply } from './write.ts';

export interface AppOptions {
  readonly context: ApiContext;
  readonly routes: readonly Route[];
  readonly gate: Gate;
  /** Paths that may be asked without a token. */
  readonly openPaths: ReadonlySet<string>;
  /** Absent: nobody records who asked. */
  readonly record: AccessRecord | undefined;
  /** Serves the web pages, beside the routes. */
  readonly pages: Koa.Middleware;
  readonly log: Log;
  /** Aborts when the server drains: from then on each connection is closed after its answer. */
  readonly draining: AbortSignal;
}

/** The routes behind what all of them share: request id, the gate, error answers. */
export function createApp(options: AppOptions): Koa {
  const app = new Koa();
  const router = createRouter(options);
  app.on('error', (error: Error) =>
    options.log.debug({ reason: error.message }, 'a connection broke while it was answered'),
  );
  app.use((ctx, next) => answer(ctx, next, options));
  app.use(options.pages);
  app.use(router.routes());
  app.use((ctx) => refuseUnrouted(ctx, router, options.routes));
  return app;
}

/** Wraps everything: whatever is thrown inside becomes one JSON answer, and each request is logged and counted. */
async function answer(ctx: Koa.Context, next: Koa.Next, options: AppOptions): Promise<void> {
  const { gate, log, draining, context, openPaths, record } = options;
  const requestId = randomUUID();
  const began = performance.now();
  const told = (status: number): void => {
    const ms = performance.now() - began;
    count(ctx, context.metrics, status, ms);
    log.debug({ requestId, method: ctx.method, path: ctx.path, status, ms: Math.round(ms) }, 'answered');
    if (!openPaths.has(ctx.path)) record?.record({ requestId, ...whoAsked(ctx), status });
  };
  const failed = (error: unknown, what: string): ApiFailure => {
    const failure = toFailure(error, requestId);
    const { code, message } = failure.body.error;
    // A caller's mistake is not a fault of the program, so no stack is logged.
    const cause = failure.status < 500 ? { reason: message } : { err: error };
    log[failure.level]({ requestId, method: ctx.method, path: ctx.path, ...cause }, `${what}: ${code}`);
    return failure;
  };
  // fetch adds Cache-Control beside If-None-Match, for caches on the way; with it, `fresh` would never answer 304.
  delete ctx.headers['cache-control'];
  ctx.set({ 'x-request-id': requestId, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  try {
    const { authorization, origin } = ctx.headers;
    // With two Host headers, a proxy before us may have checked the other one.
    const [first, ...others] = ctx.req.headersDistinct['host'] ?? [];
    const host = others.length === 0 ? first : undefined;
    const address = ctx.req.socket.remoteAddress ?? '';
    const request = { method: ctx.method, authorization, host, origin, address, isOpen: openPaths.has(ctx.path) };
    ctx.state['caller'] = gate(request);
    await next();
  } catch (error) {
    const { status, headers, body } = failed(error, 'a request failed');
    ctx.set({ ...headers });
    writeJson(ctx, status, body);
  }
  if (draining.aborted) ctx.set('connection', 'close');
  if (ctx.body instanceof Readable) {
    onSent(ctx, ctx.body, (error) => told(error === null ? ctx.status : failed(error, 'an answer was cut off').status));
  } else told(ctx.status);
}

/** Tokens are not accepted in the query; one sent there by mistake must not be recorded as well. */
const TOKEN = /((?:^|&)[^=&]*(?:token|key|password|secret)=)[^&]+/gi;

function whoAsked({ state, req, method, path, querystring }: Koa.Context) {
  const token = (state as { caller?: Caller }).caller?.name ?? null;
  return { token, address: req.socket.remoteAddress ?? '', method, path, query: querystring.replace(TOKEN, '$1…') };
}

/** A reader that takes nothing of a long answer for this long counts as gone. Milliseconds. */
const STALLED_MS = 60_000;

/**
 * Calls back when a long answer has been sent or its reader has gone, or, with the error, when it could not be read to its end.
 * Koa then closes the connection, so that nobody takes a part for the whole.
 */
function onSent({ res, state }: Koa.Context, body: Readable, done: (error: Error | null) => void): void {
  const { revoked } = (state as { caller?: Caller }).caller ?? {};
  const cutOff = (): unknown => body.destroy(new UnauthorizedError('the token was taken away'));
  if (revoked?.aborted === true) cutOff();
  revoked?.addEventListener('abort', cutOff);
  res.setTimeout(STALLED_MS, () => res.destroy());
  res.once('close', () => {
    revoked?.removeEventListener('abort', cutOff);
    done(body.errored);
  });
}

/** Labels are the paths of routes, not those requested: callers could make up any number of these. */
function count(ctx: Koa.Context, { of: metrics }: Metrics, status: number, ms: number): void {
  const { route } = ctx.state as { route?: string };
  const labels = { method: ctx.method, route: route ?? 'none', status: String(status) };
  metrics.prepadata_http_requests_total.inc(labels);
  metrics.prepadata_http_request_duration_seconds.observe(labels, ms / 1000);
}

function createRouter({ context, routes, draining, openPaths }: AppOptions): Router {
  const router = new Router({ sensitive: true, strict: true });
  for (const route of routes) {
    const [path, columns] = [routePath(route), tableColumns(route)];
    const answerRoute = async (ctx: Koa.Context & { params: Record<string, string> }): Promise<void> => {
      ctx.state['route'] = path;
      const caller = ctx.state['caller'] as Caller;
      if (!openPaths.has(ctx.path)) requireScope(caller, scopesOf(route));
      const table = wantedTable(ctx, columns);
      const reply = await route.handle(context, {
        caller,
        path: ctx.path,
        params: ctx.params,
        ...(ctx.get('last-event-id') === '' ? {} : { lastEventId: ctx.get('last-event-id') }),
        query: ctx.query,
        accepts: (types) => ctx.accepts(...types) || null,
        left: () => AbortSignal.any([draining, gone(ctx.res)]),
        readBody: () => readJson(ctx.req),
      });
      ctx.set({ ...reply.headers });
      if (table === null) writeReply(ctx, reply);
      else writeTable(ctx, route, table, reply.body);
    };
    const around = route.isList === true ? forLists : route.isFinished === true ? forFinished : [];
    router.register(route.path, [route.method], [...around, answerRoute]);
  }
  return router;
}

/** Aborts when the connection ends. */
function gone(response: ServerResponse): AbortSignal {
  const leaving = new AbortController();
  if (response.destroyed) leaving.abort();
  response.once('close', () => leaving.abort());
  return leaving.signal;
}

function refuseUnrouted(ctx: Koa.Context, router: Router, routes: readonly Route[]): never {
  const allowed = new Set(router.stack.filter((layer) => layer.match(ctx.path)).flatMap((layer) => layer.methods));
  if (allowed.size > 0) throw new MethodNotAllowedError(ctx.method, ctx.path, [...allowed].sort());
  const paths = routes.map((route) => `${route.method} ${routePath(route)}`);
  throw new NotFoundError(`there is no ${ctx.path}`, `the routes are ${paths.join(', ')}`);
}
