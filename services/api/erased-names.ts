import { createHash } from 'node:crypto';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from '#libs/serve/statements.ts';

/** Takes the names of students who were erased out of what was asked. */
export interface ErasedNames {
  /** Changes whenever a student is erased or admitted again. */
  readonly version: string;
  /** The text with a digest in place of each erased student's id, be it the UUID of the source or our integer. */
  hide(text: string): string;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** Our integer, in a path or in the query. Digits are divided in one way only: with more, thousands of zeros would take seconds. */
const INTEGER = /(\/student\/|\/temporal\/|\/trajectory\/|\/explain\/|\bstudent_id=)0*([1-9]\d*)(?!\w|-)/g;

/** Where a page of a list begins: the key of the row before it, which may contain a student. */
const CURSOR = /(\bcursor=)([\w-]+)/g;
const numbersIn = (cursor: string): string[] => Buffer.from(cursor, 'base64url').toString('latin1').match(/\d+/g) ?? [];

export const NOBODY_ERASED: ErasedNames = { version: '', hide: (text) => text };

interface ErasedRow {
  readonly digest: string;
  readonly salt: string;
  readonly student_id: number | null;
}

/** Those who are erased now. */
export async function readErasedNames(db: Queryable): Promise<ErasedNames> {
  const rows = await db.query<ErasedRow>(sql.erased_students);
  if (rows.length === 0) return NOBODY_ERASED;
  const salt = Buffer.from(rows[0]?.salt ?? '', 'hex');
  const digests = new Set(rows.map((row) => row.digest));
  const byInteger = new Map(rows.map((row) => [String(row.student_id), row.digest]));
  const hidden = (plain: string): string =>
    plain
      .replaceAll(UUID, (id) => {
        const digest = digestOf(salt, id);
        return digests.has(digest) ? shown(digest) : id;
      })
      .replaceAll(INTEGER, (whole, before: string, id: string) => {
        const digest = byInteger.get(id);
        return digest === undefined ? whole : `${before}${shown(digest)}`;
      })
      // Only the list knows which of the numbers is a student's; as nobody needs the cursor any more, all of it goes.
      .replaceAll(CURSOR, (whole, before: string, cursor: string) =>
        numbersIn(cursor).some((number) => byInteger.has(number)) ? `${before}…` : whole,
      );
  return {
    version: rows.map((row) => row.digest).join(' '),
    hide: (text) => {
      const plain = decoded(text);
      const after = hidden(plain);
      return after === plain ? text : after;
    },
  };
}

/** The same as `state.student_digest`. */
const digestOf = (salt: Buffer, id: string): string =>
  createHash('sha256')
    .update(salt)
    .update(Buffer.from(id.replaceAll('-', ''), 'hex'))
    .digest('hex');

/** 16 digits are enough to tell students apart. */
const shown = (digest: string): string => `erased-${digest.slice(0, 16)}`;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
