import type pg from 'pg';
import { ConfigurationError, messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import { codeOf } from './faults.ts';
import { GENERATED_SENT, type SourceFacts } from './preflight.ts';
import { identityColumns, type TableFacts } from './tables.ts';

interface PublicationRow {
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly truncate: boolean;
  /** Changes of partitions are sent under their parent's name. */
  readonly viaRoot: boolean;
  readonly tables: readonly PublishedTable[];
}

/** One of its tables in the schema; `attnames` and `rowfilter` exist from Postgres 15 on. */
interface PublishedTable {
  readonly tablename: string;
  /** Published by name, not as part of all tables or of the whole schema. */
  readonly isNamed: boolean;
  readonly attnames?: readonly string[] | null;
  readonly rowfilter?: string | null;
}

const PUBLICATION_SQL = `
  SELECT p.pubinsert AS insert, p.pubupdate AS update, p.pubdelete AS delete, p.pubtruncate AS truncate,
         p.pubviaroot AS "viaRoot",
         coalesce((SELECT jsonb_agg(to_jsonb(t) || jsonb_build_object('isNamed', EXISTS (
                             SELECT FROM pg_publication_rel r
                               JOIN pg_class c ON c.oid = r.prrelid AND c.relname = t.tablename
                               JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = t.schemaname
                              WHERE r.prpubid = p.oid)))
                     FROM pg_publication_tables t
                    WHERE t.pubname = p.pubname AND t.schemaname = $2), '[]') AS tables
    FROM pg_publication p WHERE p.pubname = $1`;

/**
 * Checks the publication, if there is one.
 * @returns the tables it sends; undefined if there is no publication
 * @throws UnrecoverableError when it would omit rows, columns or kinds of changes, or prevent the school from changing rows
 */
async function checkPublication(
  client: pg.Client,
  publication: string,
  names: SourceNames,
  facts: SourceFacts,
): Promise<readonly PublishedTable[] | undefined> {
  const result = await client.query<PublicationRow>(PUBLICATION_SQL, [publication, names.schema]);
  const row = result.rows[0];
  if (row === undefined) return undefined;
  const refuse = (what: string, remedy: string): UnrecoverableError =>
    new UnrecoverableError(
      'source_publication',
      `the publication "${publication}" of the source ${what}`,
      `as the owner of the publication, run: ${remedy} everything is then read anew`,
    );
  const unsent = (['insert', 'update', 'delete', 'truncate'] as const).filter((op) => !row[op]);
  if (unsent.length > 0) {
    throw refuse(
      `does not publish ${unsent.join(', ')}`,
      `ALTER PUBLICATION ${publication} SET (publish = 'insert, update, delete, truncate');`,
    );
  }
  for (const table of facts.tables) {
    const name = table.named.sql;
    const sent = publishedTable(table, facts.version);
    const listed = row.tables.find((candidate) => candidate.tablename === table.named.name);
    if (listed === undefined && row.viaRoot && table.isPartition) {
      throw refuse(
        `sends the changes of ${name} under the name of the table that it is a partition of`,
        `ALTER PUBLICATION ${publication} SET (publish_via_partition_root = false);`,
      );
    }
    if (listed === undefined)
      throw refuse(`lacks the table ${name}`, `ALTER PUBLICATION ${publication} ADD TABLE ${sent};`);
    const anew = `ALTER PUBLICATION ${publication} DROP TABLE ${name}; ALTER PUBLICATION ${publication} ADD TABLE ${sent};`;
    if (typeof listed.rowfilter === 'string')
      throw refuse(`has a row filter on the table ${name}: WHERE ${listed.rowfilter}`, anew);
    checkPublishedColumns(table, listed, facts.version, (what, isGenerated) =>
      refuse(
        `${what} of the table ${name}`,
        isGenerated ? `ALTER PUBLICATION ${publication} SET (publish_generated_columns = stored);` : anew,
      ),
    );
  }
  return row.tables;
}

/** Checks that every needed column is sent, and every column of the replica identity: otherwise nobody can change rows. */
function checkPublishedColumns(
  table: TableFacts,
  { attnames }: PublishedTable,
  version: number,
  refuse: (what: string, isGenerated: boolean) => UnrecoverableError,
): void {
  const isHidden = (name: string): boolean => attnames?.includes(name) === false;
  const isGenerated = (name: string): boolean => table.columns[name]?.generated !== null;
  const hasList = Object.keys(table.columns).some((name) => isHidden(name) && !isGenerated(name));
  const hidden = table.named.columns.map(({ name }) => name).filter(isHidden);
  if (hidden.length > 0)
    throw refuse(`leaves out the column ${hidden.join(', ')}`, version >= GENERATED_SENT && !hasList);
  // Before 18 generated columns are never sent, and UPDATE and DELETE work without them.
  const identity = (identityColumns(table) ?? []).filter((name) => version >= GENERATED_SENT || !isGenerated(name));
  const unsent = identity.filter(isHidden);
  if (unsent.length === 0) return;
  throw refuse(
    `makes every UPDATE and DELETE fail, since it leaves out ${unsent.join(', ')} of the replica identity`,
    !hasList,
  );
}

/** From this version on, a publication can send only some columns of a table. */
const COLUMN_LISTS = 150_000;

/**
 * A table as a publication names it: with a list of the needed columns, if it has others. A list is a burden for the table's
 * owner, since the type of a listed column cannot be changed; so there is none if it would omit nothing. Nor is there one with
 * a replica identity other than the primary key, because UPDATE and DELETE would then need more columns to be sent.
 */
export function publishedTable({ named, identity, columns }: TableFacts, version: number): string {
  const hasOthers = Object.keys(columns).length > named.columns.length;
  return version >= COLUMN_LISTS && identity === 'd' && hasOthers
    ? `${named.sql} (${named.columns.map(({ sql }) => sql).join(', ')})`
    : named.sql;
}

/** The statement that creates the publication for exactly the five tables. */
export const publicationSql = (publication: string, facts: Pick<SourceFacts, 'version' | 'tables'>): string =>
  `CREATE PUBLICATION ${publication} FOR TABLE ${facts.tables.map((table) => publishedTable(table, facts.version)).join(', ')}${
    needsGenerated(facts) ? ' WITH (publish_generated_columns = stored)' : ''
  };`;

/** Whether a generated column of the five tables has to be sent, which servers from 18 on can do. */
const needsGenerated = ({ version, tables }: Pick<SourceFacts, 'version' | 'tables'>): boolean =>
  version >= GENERATED_SENT &&
  tables.some((table) => {
    const sent = [...table.named.columns.map(({ name }) => name), ...(identityColumns(table) ?? [])];
    return sent.some((name) => table.columns[name]?.generated === 's');
  });

/**
 * Creates the publication.
 * @throws ConfigurationError with the statement to run, if the user may not
 */
async function createPublication(client: pg.Client, publication: string, facts: SourceFacts): Promise<void> {
  const sql = publicationSql(publication, facts);
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

/**
 * Checks the publication, and creates it if it is absent.
 * @returns advice for the owner, as a sentence; undefined if there is none
 */
export async function ensurePublication(
  client: pg.Client,
  publication: string,
  names: SourceNames,
  facts: SourceFacts,
): Promise<string | undefined> {
  let published = await checkPublication(client, publication, names, facts);
  if (published === undefined) {
    await createPublication(client, publication, facts);
    published = await checkPublication(client, publication, names, facts);
  }
  return sendsMore(publication, facts, published ?? []);
}

/** Publications from before column lists stay as they are: narrowing one means reading everything anew. */
function sendsMore(
  publication: string,
  { tables, version }: SourceFacts,
  published: readonly PublishedTable[],
): string | undefined {
  const wide = tables.filter((table) => {
    const { named } = table;
    const sent = published.find(({ tablename }) => tablename === named.name);
    const isListed = publishedTable(table, version) !== named.sql;
    return isListed && sent?.isNamed === true && (sent.attnames ?? []).length > named.columns.length;
  });
  if (wide.length === 0) return undefined;
  const tablesSql = wide.map(({ named }) => named.sql).join(', ');
  const lists = wide.map((table) => publishedTable(table, version)).join(', ');
  return `the publication "${publication}" sends columns of ${tablesSql} that are not needed, and are dropped here; to leave them at the source, run as its owner: BEGIN; ALTER PUBLICATION ${publication} DROP TABLE ${tablesSql}; ALTER PUBLICATION ${publication} ADD TABLE ${lists}; COMMIT; (everything is then read anew once)`;
}
