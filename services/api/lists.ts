import etag from '@koa/etag';
import type { Middleware } from 'koa';
import compress from 'koa-compress';

/** Uses only encodings that every version of Node has; a caller that accepts neither them nor plain text gets plain text. */
const encode: Middleware = (ctx, next) => {
  if (ctx.acceptsEncodings('br', 'gzip', 'identity') === false) ctx.compress = false;
  return compressed(ctx, next);
};
const compressed = compress({ zstd: false, deflate: false });

/** Answers 304 to a client that already has this answer. */
const conditional: Middleware = async (ctx, next) => {
  await next();
  if (!ctx.fresh) return;
  ctx.status = 304;
  ctx.body = null;
};

/**
 * Middleware for answers with lists; an answer passes through it from last to first. The ETag is weak, since it is the same
 * for every encoding; an answer that is sent as it is read has none.
 */
export const forLists: readonly Middleware[] = [encode, conditional, etag({ weak: true })];

/** The same for answers that already have an ETag. */
export const forFinished: readonly Middleware[] = [conditional];
