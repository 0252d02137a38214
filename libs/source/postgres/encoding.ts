import type pg from 'pg';
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js';
import { NO_CHARACTER } from '#libs/domain/text.ts';

/*
 * Servers convert what they send to UTF-8, whatever the encoding of the database, so texts arrive intact. A database in
 * SQL_ASCII has no encoding: asked for UTF-8, it would refuse to send a row with bytes that are not valid UTF-8, and every
 * row after it. So we ask it for the raw bytes.
 */

/** How to interpret received text. */
export type ReadText = (text: string) => string;

const asItIs: ReadText = (text) => text;

/** What Node puts in place of bytes that are not valid UTF-8. */
const REPLACEMENT = '\uFFFD';

/**
 * In SQL_ASCII, Node's replacement character always counts as replaced bytes, even if the source itself contains it: then
 * somebody else has replaced the bytes.
 */
const marked: ReadText = (text) => (text.includes(REPLACEMENT) ? text.replaceAll(REPLACEMENT, NO_CHARACTER) : text);

/** How a database sends its text, and how to interpret it. */
export interface TextEncoding {
  /** What a session asks the server for. */
  readonly client_encoding: 'UTF8' | 'SQL_ASCII';
  readonly read: ReadText;
}

export async function encodingOf(client: pg.Client): Promise<TextEncoding> {
  const { rows } = await client.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
  return rows[0]?.encoding === 'SQL_ASCII'
    ? { client_encoding: 'SQL_ASCII', read: marked }
    : { client_encoding: 'UTF8', read: asItIs };
}

/** Lets a session read texts with any bytes. */
export async function readBytes(client: pg.Client): Promise<ReadText> {
  const { client_encoding, read } = await encodingOf(client);
  await client.query(`SET client_encoding = '${client_encoding}'`);
  return read;
}

/** The same, and keeps every value as the text that the server sends. */
export const readingText = async (client: pg.Client): Promise<pg.CustomTypesConfig> =>
  textTypes(await readBytes(client));

/** Keeps every value as the text that the server sends, so that the snapshot and the stream share one decoder. */
export const textTypes = (read: ReadText = asItIs): pg.CustomTypesConfig =>
  ({ getTypeParser: () => read }) as unknown as pg.CustomTypesConfig;

/** The library drops a byte order mark at the beginning of a value; the driver, which reads the snapshot, does not. */
BinaryReader.prototype.decodeText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
