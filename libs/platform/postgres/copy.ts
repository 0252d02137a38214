import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** What a row holds, each value as the text that the server has for it. */
export type CopiedRow = readonly (string | null)[];

const LINE_FEED = 10;

/**
 * The rows of a query as COPY sends them: in lines, which cost half of what a message for each row does. They come in
 * pieces as large as the network's, and no faster than they are taken.
 * @param read what the text says, for a database whose bytes are not all characters
 */
export async function* copyOut(
  client: pg.Client,
  select: string,
  read: (text: string) => string = (text) => text,
): AsyncGenerator<CopiedRow[]> {
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT`));
  // A connection that breaks says so also when nobody reads any more.
  stream.on('error', () => {});
  const unfinished: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    // A line feed ends a line, and stands nowhere else: within a value it is escaped.
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
  // Nearly every line has a null, and hardly one a value with an escape.
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}

export type CopyValue = string | number | null;

/** A row as a line that COPY reads. */
export const lineOf = (values: readonly CopyValue[]): string => `${values.map(escaped).join('\t')}\n`;

const SPECIAL = /[\\\n\r\t]/;

function escaped(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  if (!SPECIAL.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
}

/**
 * Gives a `COPY … FROM STDIN` its lines, some at a time. They are made while the server works on those before, and others in
 * this process have their turn in between.
 * @throws what the making of a line throws, or what the server says; the transaction has failed then
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
    // The server is told that no more comes, and has to have heard it before anything else is said.
    if (!refused) await Promise.allSettled([ended, stream.destroy(error as Error)]);
    throw error;
  }
}
