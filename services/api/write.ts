import { Readable } from 'node:stream';
import type Koa from 'koa';
import { FinishedAnswer } from '#libs/serve/finished-answer.ts';
import { LongAnswer } from './long-answer.ts';
import type { Reply } from './route.ts';

/** Serialised here and not by Koa, so that a value that JSON cannot hold fails like any other error. */
export function writeJson(ctx: Koa.Context, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  ctx.status = status;
  ctx.type = 'application/json';
  ctx.body = text;
}

export function writeReply(ctx: Koa.Context, { body, status = 200, contentType }: Reply<unknown>): void {
  if (body instanceof LongAnswer) {
    sendAsRead(ctx, Readable.from(jsonOf(body)), 'application/json; charset=utf-8');
  } else if (body instanceof Readable) {
    ctx.status = status;
    sendAsRead(ctx, body, contentType ?? 'application/octet-stream');
  } else if (body instanceof FinishedAnswer) {
    ctx.status = status;
    ctx.type = 'application/json';
    ctx.set('etag', body.etag);
    ctx.body = body.bytes;
  } else if (contentType === undefined) {
    writeJson(ctx, status, body);
  } else {
    ctx.status = status;
    ctx.set('content-type', contentType);
    ctx.body = String(body);
  }
}

export function sendAsRead(ctx: Koa.Context, body: Readable, contentType: string): void {
  ctx.set('content-type', contentType);
  ctx.body = body;
  // The compressing stream around it, if any, has to fail with it.
  body.once('error', (error) => ctx.body instanceof Readable && ctx.body.destroy(error));
}

/** The closing bracket shows that the list is complete. */
export async function* jsonOf(answer: LongAnswer): AsyncGenerator<string> {
  let lead = '[';
  for await (const rows of answer.parts()) {
    if (rows.length === 0) continue;
    yield lead + JSON.stringify(rows).slice(1, -1);
    lead = ',';
  }
  yield lead === '[' ? '[]' : ']';
}
