import { Readable } from 'node:stream';
import { nextLink, type Page } from '#libs/serve/paging.ts';
import type { RawRequest, Reply } from '../route.ts';

/** One page as an answer; where another follows, the Link header leads there. */
export const pageReply = <R>({ rows, more, next }: Page<R>, { path, query }: RawRequest): Reply<R[]> => ({
  body: more === undefined ? [...rows] : Readable.from(jsonOf(rows, more)),
  headers: next === null ? {} : { link: nextLink(path, query, next) },
});

/** The JSON of a list that is longer than what is in memory of it. Its last character says that it is whole. */
async function* jsonOf(first: readonly unknown[], more: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  yield `[${itemsOf(first)}`;
  for await (const rows of more) if (rows.length > 0) yield `,${itemsOf(rows)}`;
  yield ']';
}

const itemsOf = (rows: readonly unknown[]): string => JSON.stringify(rows).slice(1, -1);
