import type pg from 'pg';
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js';
import { NO_CHARACTER } from '#libs/domain/text.ts';

/*
 * Servers convert what they send to UTF-8, whatever the database is encoded in, and then a text is what it says. A database
 * in SQL_ASCII has no encoding: asked for UTF-8, it would refuse to send a row with bytes that are none, and all the others
 * with it. So it is asked for its bytes as they are.
 */

/** How the text that came is to be taken. */
export type ReadText = (text: string) => string;

const asItIs: ReadText = (text) => text;

/** What stands for a byte that was none of UTF-8, in every text that Node decodes. */
const REPLACEMENT = '\uFFFD';

/**
 * In SQL_ASCII the character by which Node replaces bytes is taken for that, also where the source itself holds it: there it
 * stands for bytes that somebody else has replaced.
 */
const marked: ReadText = (text) => (text.includes(REPLACEMENT) ? text.replaceAll(REPLACEMENT, NO_CHARACTER) : text);

/** How the text of a database comes, and how it is to be taken. */
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

/** Lets a session read whatever bytes a text has. */
export async function readBytes(client: pg.Client): Promise<ReadText> {
  const { client_encoding, read } = await encodingOf(client);
  await client.query(`SET client_encoding = '${client_encoding}'`);
  return read;
}

/** The same; every value then is the text that the server sends. */
export const readingText = async (client: pg.Client): Promise<pg.CustomTypesConfig> =>
  textTypes(await readBytes(client));

/** Every value as the text that the server sends, so that the snapshot and the stream share one decoder. */
export const textTypes = (read: ReadText = asItIs): pg.CustomTypesConfig =>
  ({ getTypeParser: () => read }) as unknown as pg.CustomTypesConfig;

/** The library leaves out a byte order mark at the beginning of a value; the driver, which reads the snapshot, does not. */
BinaryReader.prototype.decodeText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
