import type pg from 'pg';
import { ConfigurationError, messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { neededColumns } from '#libs/domain/source-tables/index.ts';
import { codeOf } from './faults.ts';
import { GENERATED_SENT, type SourceFacts } from './preflight.ts';
import { publicationSql } from './remedies.ts';
import { identityColumns, type TableFacts } from './tables.ts';

interface PublicationRow {
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly truncate: boolean;
  /** Changes of partitions are sent under the name of their parent. */
  readonly viaRoot: boolean;
  readonly tables: readonly PublishedTable[];
}

/** One of its tables of the schema; `attnames` and `rowfilter` are what servers from 15 on know. */
interface PublishedTable {
  readonly tablename: string;
  readonly attnames?: readonly string[] | null;
  readonly rowfilter?: string | null;
}

const PUBLICATION_SQL = `
  SELECT p.pubinsert AS insert, p.pubupdate AS update, p.pubdelete AS delete, p.pubtruncate AS truncate,
         p.pubviaroot AS "viaRoot",
         coalesce((SELECT jsonb_agg(to_jsonb(t)) FROM pg_publication_tables t
                    WHERE t.pubname = p.pubname AND t.schemaname = $2), '[]') AS tables
    FROM pg_publication p WHERE p.pubname = $1`;

/**
 * Checks the publication, if there is one.
 * @returns false if there is none
 * @throws UnrecoverableError when it would hold back rows, columns or kinds of changes, or keep the school from its own
 */
async function checkPublication(
  client: pg.Client,
  publication: string,
  schema: string,
  facts: SourceFacts,
): Promise<boolean> {
  const result = await client.query<PublicationRow>(PUBLICATION_SQL, [publication, schema]);
  const row = result.rows[0];
  if (row === undefined) return false;
  const refuse = (what: string, remedy: string): UnrecoverableError =>
    new UnrecoverableError(
      'source_publication',
      `the publication "${publication}" of the source ${what}`,
      `as the owner of the publication, run: ${remedy} the next start then reads everything anew`,
    );
  const unsent = (['insert', 'update', 'delete', 'truncate'] as const).filter((op) => !row[op]);
  if (unsent.length > 0) {
    throw refuse(
      `does not publish ${unsent.join(', ')}`,
      `ALTER PUBLICATION ${publication} SET (publish = 'insert, update, delete, truncate');`,
    );
  }
  for (const table of facts.tables) {
    const name = `${schema}.${table.name}`;
    const listed = row.tables.find((candidate) => candidate.tablename === table.name);
    if (listed === undefined && row.viaRoot && table.isPartition) {
      throw refuse(
        `sends the changes of ${name} under the name of the table that it is a partition of`,
        `ALTER PUBLICATION ${publication} SET (publish_via_partition_root = false);`,
      );
    }
    if (listed === undefined)
      throw refuse(`lacks the table ${name}`, `ALTER PUBLICATION ${publication} ADD TABLE ${name};`);
    const whole = `ALTER PUBLICATION ${publication} DROP TABLE ${name}; ALTER PUBLICATION ${publication} ADD TABLE ${name};`;
    if (typeof listed.rowfilter === 'string')
      throw refuse(`has a row filter on the table ${name}: WHERE ${listed.rowfilter}`, whole);
    checkPublishedColumns(table, listed, facts.version, (what, isGenerated) =>
      refuse(
        `${what} of the table ${name}`,
        isGenerated ? `ALTER PUBLICATION ${publication} SET (publish_generated_columns = stored);` : whole,
      ),
    );
  }
  return true;
}

/** Whether every needed column is sent, and every one that the log tells rows apart by: else nobody may change rows. */
function checkPublishedColumns(
  table: TableFacts,
  { attnames }: PublishedTable,
  version: number,
  refuse: (what: string, isGenerated: boolean) => UnrecoverableError,
): void {
  const isHidden = (name: string): boolean => attnames?.includes(name) === false;
  const isGenerated = (name: string): boolean => table.columns[name]?.generated !== null;
  const hidden = ['id', ...neededColumns(table.name).map((column) => column.name)].filter(isHidden);
  if (hidden.length > 0)
    throw refuse(`leaves out the column ${hidden.join(', ')}`, version >= GENERATED_SENT && hidden.every(isGenerated));
  // Before 18 generated columns are never sent, and nobody minds.
  const identity = (identityColumns(table) ?? []).filter((name) => version >= GENERATED_SENT || !isGenerated(name));
  const unsent = identity.filter(isHidden);
  if (unsent.length === 0) return;
  throw refuse(
    `makes every UPDATE and DELETE fail, since it leaves out ${unsent.join(', ')} of the replica identity`,
    unsent.every(isGenerated),
  );
}

/** Whether the five tables have a generated column that has to be sent. */
const needsGenerated = ({ version, tables }: SourceFacts): boolean =>
  version >= GENERATED_SENT &&
  tables.some((table) => {
    const sent = [...neededColumns(table.name).map(({ name }) => name), ...(identityColumns(table) ?? [])];
    return sent.some((name) => table.columns[name]?.generated === 's');
  });

/**
 * Makes the publication.
 * @throws ConfigurationError with the statement to run, when the user may not
 */
async function createPublication(
  client: pg.Client,
  publication: string,
  schema: string,
  facts: SourceFacts,
): Promise<void> {
  const sql = publicationSql(publication, schema, needsGenerated(facts));
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
export async function ensurePublication(
  client: pg.Client,
  publication: string,
  schema: string,
  facts: SourceFacts,
): Promise<void> {
  if (await checkPublication(client, publication, schema, facts)) return;
  await createPublication(client, publication, schema, facts);
  await checkPublication(client, publication, schema, facts);
}
