import type pg from 'pg';
import { SOURCE_TABLES } from '#libs/domain/change.ts';
import { ConfigurationError, messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { neededColumns } from './decode.ts';
import { codeOf } from './faults.ts';
import { publicationSql } from './remedies.ts';

interface PublicationRow {
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly truncate: boolean;
  /** Its tables of the schema; `columns` and `filter` are what servers from 15 on know. */
  readonly tables: readonly {
    readonly tablename: string;
    readonly attnames?: readonly string[] | null;
    readonly rowfilter?: string | null;
  }[];
}

const PUBLICATION_SQL = `
  SELECT p.pubinsert AS insert, p.pubupdate AS update, p.pubdelete AS delete, p.pubtruncate AS truncate,
         coalesce((SELECT jsonb_agg(to_jsonb(t)) FROM pg_publication_tables t
                    WHERE t.pubname = p.pubname AND t.schemaname = $2), '[]') AS tables
    FROM pg_publication p WHERE p.pubname = $1`;

/**
 * Checks the publication, if there is one.
 * @returns false if there is none
 * @throws UnrecoverableError when it would hold back rows, columns or kinds of changes
 */
async function checkPublication(client: pg.Client, publication: string, schema: string): Promise<boolean> {
  const result = await client.query<PublicationRow>(PUBLICATION_SQL, [publication, schema]);
  const row = result.rows[0];
  if (row === undefined) return false;
  const refuse = (what: string, remedy: string): UnrecoverableError =>
    new UnrecoverableError('source_publication', `the publication "${publication}" of the source ${what}`, remedy);
  const unsent = (['insert', 'update', 'delete', 'truncate'] as const).filter((op) => !row[op]);
  if (unsent.length > 0) {
    throw refuse(
      `does not publish ${unsent.join(', ')}`,
      `run: ALTER PUBLICATION ${publication} SET (publish = 'insert, update, delete, truncate');${readAnew}`,
    );
  }
  for (const table of SOURCE_TABLES) {
    const name = `${schema}.${table}`;
    const listed = row.tables.find((candidate) => candidate.tablename === table);
    if (listed === undefined) {
      throw refuse(`lacks the table ${name}`, `run: ALTER PUBLICATION ${publication} ADD TABLE ${name};${readAnew}`);
    }
    if (typeof listed.rowfilter === 'string') {
      throw refuse(
        `has a row filter on the table ${name}: WHERE ${listed.rowfilter}`,
        `publish the whole table: ALTER PUBLICATION ${publication} SET TABLE with all five tables and no WHERE;${readAnew}`,
      );
    }
    const columns = listed.attnames ?? undefined;
    const hidden = ['id', ...neededColumns(table).map((column) => column.name)].filter(
      (column) => columns !== undefined && !columns.includes(column),
    );
    if (hidden.length > 0) {
      throw refuse(
        `has a column list on the table ${name} that leaves out ${hidden.join(', ')}`,
        `publish the needed columns: ALTER PUBLICATION ${publication} SET TABLE with all five tables;${readAnew}`,
      );
    }
  }
  return true;
}

const readAnew =
  ' then drop the replication slot, so that everything is read anew: what happened meanwhile was not sent';

/**
 * Makes the publication.
 * @throws ConfigurationError with the statement to run, when the user may not
 */
async function createPublication(client: pg.Client, publication: string, schema: string): Promise<void> {
  const sql = publicationSql(publication, schema);
  try {
    await client.query(sql);
  } catch (error) {
    if (codeOf(error) === '42710') return;
    if (codeOf(error) !== '42501') throw error;
    throw new ConfigurationError(
      `the source database has no publication "${publication}", and the user may not make it: ${messageOf(error)}`,
      `as the owner of the tables, run: ${sql}`,
      { cause: error },
    );
  }
}

/** Checks the publication and makes it if it is absent. */
export async function ensurePublication(client: pg.Client, publication: string, schema: string): Promise<void> {
  if (await checkPublication(client, publication, schema)) return;
  await createPublication(client, publication, schema);
  await checkPublication(client, publication, schema);
}

/**
 * Changes when the publication, a table, a table's place in the publication or a needed column is made anew or altered.
 * What was written in between was not sent, and a column that is rewritten (ALTER COLUMN TYPE ... USING) sends nothing at
 * all. The catalogue's row of a column is written at each such change of it, so its xmin tells, and seldom else.
 */
export async function fingerprint(client: pg.Client, publication: string, schema: string): Promise<string> {
  const needed = SOURCE_TABLES.flatMap((table) =>
    ['id', ...neededColumns(table).map(({ name }) => name)].map((name) => `${table}.${name}`),
  );
  const result = await client.query<{ print: string | null }>(FINGERPRINT_SQL, [
    publication,
    schema,
    SOURCE_TABLES,
    needed,
  ]);
  return (result.rows[0]?.print ?? 'none').slice(0, 12);
}

const FINGERPRINT_SQL = `
  WITH tables AS (
    SELECT c.oid, c.relname FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $2
     WHERE c.relname = ANY ($3) AND c.relkind = 'r'
  )
  SELECT md5(string_agg(part, ',' ORDER BY part)) AS print FROM (
    SELECT p.oid::text AS part FROM pg_publication p WHERE p.pubname = $1
    UNION ALL
    SELECT concat_ws('/', t.oid, r.oid) FROM tables t
      LEFT JOIN (pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid AND p.pubname = $1)
        ON r.prrelid = t.oid
    UNION ALL
    SELECT concat_ws('/', t.oid, a.attname, a.attnum, a.xmin) FROM tables t
      JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped AND t.relname || '.' || a.attname = ANY ($4)
  ) AS parts`;
