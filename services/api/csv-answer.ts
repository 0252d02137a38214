import { Readable } from 'node:stream';
import type Koa from 'koa';
import { z } from 'zod';
import { PrepaError } from '#libs/domain/errors.ts';
import { CSV_TYPE, csvCell, csvLine } from '#libs/platform/csv.ts';
import { FinishedAnswer } from '#libs/serve/finished-answer.ts';
import { LongAnswer } from './long-answer.ts';
import { type Route, routePath } from './route.ts';
import { sendAsRead } from './write.ts';

/** Of what the route has, nothing is of a type that the caller takes. */
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

/** Every answer that is a list of rows can be had as a table, too. */
export const tableColumns = ({ answer }: Route): readonly string[] | null =>
  answer instanceof z.ZodArray && answer.element instanceof z.ZodObject ? Object.keys(answer.element.shape) : null;

/**
 * The columns of the table that the caller would rather have; null: JSON.
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

/** The body that is a list, as a table with a header line. */
export function writeTable(ctx: Koa.Context, route: Route, columns: readonly string[], body: unknown): void {
  ctx.status = 200;
  ctx.set('content-disposition', `attachment; filename="${fileName(route)}.csv"`);
  if (body instanceof LongAnswer) {
    sendAsRead(ctx, Readable.from(tableParts(body, columns)), CSV_TYPE);
    return;
  }
  // The same rows in another form are another answer.
  if (body instanceof FinishedAnswer) ctx.set('etag', body.etag.replace(/"$/, '-csv"'));
  const rows: readonly Row[] = body instanceof FinishedAnswer ? JSON.parse(body.bytes.toString()) : body;
  ctx.set('content-type', CSV_TYPE);
  ctx.body = csvLine(columns) + linesOf(rows, columns);
}

/** What is listed: the last name in the path that is no parameter. */
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
