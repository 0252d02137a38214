import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** The values of a row, each as the server's text. */
export type CopiedRow = readonly (string | null)[];

const LINE_FEED = 10;

/**
 * The rows of a query by COPY, which costs half as much as a message per row. They come in pieces of the size the network
 * delivers, and no faster than they are consumed.
 * @param read decodes the text, for a database whose bytes are not all characters
 */
export async function* copyOut(
  client: pg.Client,
  select: string,
  read: (text: string) => string = (text) => text,
): AsyncGenerator<CopiedRow[]> {
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT`));
  // A broken connection emits an error even when nobody reads any more.
  stream.on('error', () => {});
  const unfinished: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    // A line feed always ends a line: within a value it is escaped.
    const end = piece.lastIndexOf(LINE_FEED);
    if (end >= 0) {
      const lines = Buffer.concat([...unfinished.splice(0), piece.subarray(0, end)]);
      yield read(lines.toString('utf8')).split('\n').map(splitLine);
    }
    if (end + 1 < piece.length) unfinished.push(piece.subarray(end + 1));
  }
}

function splitLine(line: string): CopiedRow {
  const values = line.split('\t');
  return line.includes('\\') ? values.map(unescaped) : values;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(text: string): string | null {
  if (text === '\\N') return null;
  // Nearly every line has a null, but hardly any has an escaped value.
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}

export type CopyValue = string | number | null;

/** A row as a line for COPY. */
export const lineOf = (values: readonly CopyValue[]): string => `${values.map(escaped).join('\t')}\n`;

const SPECIAL = /[\\\n\r\t]/;

function escaped(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  if (!SPECIAL.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
}

/**
 * Feeds a `COPY … FROM STDIN` its lines, several at a time. They are made while the server works on the previous ones, and
 * other work of this process gets its turn in between.
 * @throws the error of making a line, or the server's; the transaction has failed then
 */
export async function copyIn(client: pg.ClientBase, statement: string, lines: Iterable<string>): Promise<void> {
  const stream = client.query(copyFrom(statement));
  let refused = false;
  const ended = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.on('error', (error) => {
      refused = true;
      reject(error);
    });
  });
  ended.catch(() => {});
  try {
    for (const some of lines) {
      if (!stream.write(some)) await Promise.race([once(stream, 'drain'), ended]);
      await Promise.race([nextTurn(), ended]);
    }
    stream.end();
    await ended;
  } catch (error) {
    // Tells the server that no more comes; it has to have heard that before anything else is sent.
    if (!refused) await Promise.allSettled([ended, stream.destroy(error as Error)]);
    throw error;
  }
}
