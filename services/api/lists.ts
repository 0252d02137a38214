import etag from '@koa/etag';
import type { Middleware } from 'koa';
import compress from 'koa-compress';

/** Of the encodings, those that every version of Node has; a caller that takes none of them, nor the plain text, gets that. */
const encode: Middleware = (ctx, next) => {
  if (ctx.acceptsEncodings('br', 'gzip', 'identity') === false) ctx.compress = false;
  return compressed(ctx, next);
};
const compressed = compress({ zstd: false, deflate: false });

/** Who has this answer already is told so, and does not get it again. */
const conditional: Middleware = async (ctx, next) => {
  await next();
  if (!ctx.fresh) return;
  ctx.status = 304;
  ctx.body = null;
};

/**
 * What answers with lists go through, the last to see them first. Their tag is weak, since it is the same whatever the
 * encoding; an answer that is sent as it is read has none.
 */
export const forLists: readonly Middleware[] = [encode, conditional, etag({ weak: true })];

/** The same for answers that bring their tag with them. */
export const forFinished: readonly Middleware[] = [conditional];
