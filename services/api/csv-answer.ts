import { Readable } from 'node:stream';
import type Koa from 'koa';
import { z } from 'zod';
import { PrepaError } from '#libs/domain/errors.ts';
import { CSV_TYPE, csvCell, csvLine } from '#libs/platform/csv.ts';
import { FinishedAnswer } from '#libs/serve/finished-answer.ts';
import { LongAnswer } from './long-answer.ts';
import { type Route, routePath } from './route.ts';
import { sendAsRead } from './write.ts';

/** The caller accepts none of the types that the route can answer with. */
export class NotAcceptableError extends PrepaError {
  constructor(types: readonly string[]) {
    super(
      'not_acceptable',
      `the header Accept of this request takes none of what this route answers with: ${types.join(', ')}`,
      'ask for one of these, or leave the header out',
    );
    this.name = 'NotAcceptableError';
  }
}

const JSON_TYPE = 'application/json';
const LIST_TYPES = [JSON_TYPE, 'text/csv'];

type Row = Readonly<Record<string, unknown>>;

/** The columns of an answer that is a list of rows, which can also be had as a table; null for other answers. */
export const tableColumns = ({ answer }: Route): readonly string[] | null =>
  answer instanceof z.ZodArray && answer.element instanceof z.ZodObject ? Object.keys(answer.element.shape) : null;

/**
 * The columns, if the caller prefers a table; null: JSON.
 * @param columns of the route's {@link tableColumns}
 * @throws NotAcceptableError
 */
export function wantedTable(ctx: Koa.Context, columns: readonly string[] | null): readonly string[] | null {
  if (columns === null) return null;
  ctx.vary('accept');
  const type = ctx.accepts(...LIST_TYPES);
  if (type === false) throw new NotAcceptableError(LIST_TYPES);
  return type === JSON_TYPE ? null : columns;
}

/** Writes a list as a table with a header line. */
export function writeTable(ctx: Koa.Context, route: Route, columns: readonly string[], body: unknown): void {
  ctx.status = 200;
  ctx.set('content-disposition', `attachment; filename="${fileName(route)}.csv"`);
  if (body instanceof LongAnswer) {
    sendAsRead(ctx, Readable.from(tableParts(body, columns)), CSV_TYPE);
    return;
  }
  // The same rows in another format need an ETag of their own.
  if (body instanceof FinishedAnswer) ctx.set('etag', body.etag.replace(/"$/, '-csv"'));
  const rows: readonly Row[] = body instanceof FinishedAnswer ? JSON.parse(body.bytes.toString()) : body;
  ctx.set('content-type', CSV_TYPE);
  ctx.body = csvLine(columns) + linesOf(rows, columns);
}

/** The last part of the path that is not a parameter: what is listed. */
const fileName = (route: Route): string =>
  routePath(route)
    .split('/')
    .findLast((name) => !name.startsWith('{')) ?? 'rows';

async function* tableParts(answer: LongAnswer, columns: readonly string[]): AsyncGenerator<string> {
  yield csvLine(columns);
  for await (const rows of answer.parts()) yield linesOf(rows as readonly Row[], columns);
}

const linesOf = (rows: readonly Row[], columns: readonly string[]): string =>
  rows.map((row) => csvLine(columns.map((name) => csvCell(row[name])))).join('');
