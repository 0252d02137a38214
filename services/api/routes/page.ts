import { nextLink, type Page } from '#libs/serve/paging.ts';
import { LongAnswer } from '../long-answer.ts';
import type { RawRequest, Reply } from '../route.ts';

/** One page as an answer; if another follows, the Link header points to it. */
export const pageReply = <R>({ rows, more, next }: Page<R>, { path, query }: RawRequest): Reply<R[]> => ({
  body: more === undefined ? [...rows] : new LongAnswer(rows, more),
  headers: next === null ? {} : { link: nextLink(path, query, next) },
});
