import { createHash } from 'node:crypto';
import type pg from 'pg';
import { PrepaError } from '#libs/domain/errors.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import { loadStatements } from '#libs/platform/postgres/database.ts';
import type { ProgressStore } from '../contract.ts';
import type { SourceServer } from './server.ts';
import { UNLOGGED } from './table-shape.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['signature']);

interface SignatureRow {
  readonly base: string;
  readonly identity: string;
  readonly tables: readonly TablePrint[] | null;
}

/** The print of one table: each part shows that something has changed, but not what. */
interface TablePrint {
  /** The file of its rows: a new one after a rewrite, TRUNCATE, VACUUM FULL or CLUSTER. */
  readonly heap: string;
  /** The transactions that last wrote its needed columns' catalogue rows: changed by ALTER COLUMN, RENAME COLUMN and GRANT. */
  readonly columns: string;
  /** The transaction that last wrote its row type's catalogue row: changed by RENAME, SET SCHEMA and OWNER. */
  readonly named: string;
  readonly owner: string;
  /** Each word of the enums that its needed columns are of, as its number and a digest of it; null if there are none. */
  readonly words: string | null;
}

/**
 * A word that shows whether rows may have changed without a change being sent: `base.identity.table.table…`, the tables'
 * four or five parts joined by `-`.
 *
 * - The base is what must not change: the publication and its settings, each table's entry in it, the table, each needed
 *   column with its type, and which column is read as which (SOURCE_MAPPING). Anything recreated gets a new number.
 * - ALTER COLUMN … TYPE … USING may keep all of that and yet write new values into every row without sending any. It gives
 *   the table a new file *and* rewrites the column's catalogue row. TRUNCATE (which is sent), VACUUM FULL and CLUSTER do
 *   only the former; GRANT, SET STATISTICS, SET DEFAULT, SET NOT NULL and a column renamed away and back only the latter;
 *   ANALYZE and VACUUM neither.
 * - While a table has another name or schema, its changes are sent under that one. Its row type is then renamed as well;
 *   OWNER rewrites the type's catalogue row, too, but then the owner differs.
 * - ALTER TYPE … RENAME VALUE gives every row that holds the word another one. A word that is added changes none.
 * - The identity is what tells rows apart in the log. A change of it says nothing about rows, only that the tables must be
 *   checked.
 */
export async function readSignature(client: pg.Client, publication: string, names: SourceNames): Promise<string> {
  const columns = names.tables.flatMap((table) => table.columns.map(({ name }) => `${table.name}.${name}`));
  const { rows } = await client.query<SignatureRow>({
    ...sql.signature,
    values: [publication, names.schema, names.tables.map(({ name }) => name), columns],
  });
  const { base = '', identity = '', tables } = rows[0] ?? {};
  const prints = (tables ?? []).map(({ heap, columns: written, named, owner, words }) =>
    [heap, written, named, owner, ...(words === null ? [] : [words])].join('-'),
  );
  return [base + namesPrint(names), identity, ...prints].join('.');
}

const NAMES_PRINT = ':';

/** A digest of which column is read as which; empty for the names that an LMSConnector uses. */
function namesPrint({ areMapped, tables }: SourceNames): string {
  if (!areMapped) return '';
  const names = tables.map(({ name, columns }) => [name, ...columns.map((column) => column.name)]);
  return NAMES_PRINT + createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 12);
}

/** What is followed: the server, and the signature of what it publishes. */
export interface Origin {
  /** See {@link SourceServer}. */
  readonly identity: string;
  readonly signature: string;
}

/** The form in which it is stored with a stream's progress. */
export const originText = ({ identity, signature }: Origin): string => `${identity}/${signature}`;

/** In place of the signature in a stored origin. */
const NOT_IN_LOG = 'unlogged';

/**
 * What is written into an unlogged table is not in the log, and is not sent when the table is logged again; nothing in the
 * catalogue shows it by then. So as soon as such a table is found, the stored origin becomes one that cannot be continued.
 * @param failure of checking the tables
 */
export async function noteUnlogged(failure: unknown, progress: ProgressStore, stream: string): Promise<void> {
  if (!(failure instanceof PrepaError) || failure.code !== UNLOGGED) return;
  const stored = await progress.read(stream);
  if (stored === undefined) return;
  const identity = stored.origin.slice(0, stored.origin.lastIndexOf('/'));
  await progress.noteOrigin(stream, stored.epoch, originText({ identity, signature: NOT_IN_LOG }));
}

/**
 * A sentence that says why a stored origin cannot be continued; undefined if it can.
 * @param stored as {@link originText} wrote it
 */
export function whyAnotherOrigin(stored: string, now: Origin): string | undefined {
  const text = originText(now);
  if (!stored.startsWith(`${now.identity}/`))
    return `the source is another server, timeline or database than before: ${text} instead of ${stored}`;
  const before = stored.slice(now.identity.length + 1);
  if (before === NOT_IN_LOG)
    return 'a table of the source was unlogged for a while; what was written into it then is not in the log';
  if (namesIn(before) !== namesIn(now.signature))
    return 'SOURCE_MAPPING names other tables or columns of the source than before';
  return hasMoved(before, now.signature)
    ? 'the publication or a table of the source was made anew, or a word of its enums renamed; what that changed was not sent'
    : undefined;
}

/** Whether rows may have changed between two signatures without a change being sent. */
export function hasMoved(before: string, now: string): boolean {
  const [was, is] = [partsOf(before), partsOf(now)];
  if (was.base !== is.base || was.tables.length !== is.tables.length) return true;
  return is.tables.some((table, index) => isRewritten(was.tables[index] ?? [], table));
}

function isRewritten([heap, columns, named, owner, words]: readonly string[], now: readonly string[]): boolean {
  const isWritten = heap !== now[0] && columns !== now[1];
  const isRenamed = named !== now[2] && owner === now[3];
  const present = wordsIn(now[4]);
  return isWritten || isRenamed || wordsIn(words).some((word) => !present.includes(word));
}

const wordsIn = (words: string | undefined): string[] => (words === undefined ? [] : words.split(','));

const namesIn = (signature: string): string | undefined => partsOf(signature).base.split(NAMES_PRINT)[1];

/** Whether the log tells rows apart as before. */
export const hasSameIdentity = (before: string, now: string): boolean =>
  partsOf(before).identity === partsOf(now).identity;

function partsOf(signature: string): { base: string; identity: string; tables: string[][] } {
  const [base = '', identity = '', ...tables] = signature.split('.');
  return { base, identity, tables: tables.map((table) => table.split('-')) };
}
