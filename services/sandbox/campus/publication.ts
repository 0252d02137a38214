import { nameInSql, type SourceNames } from '#libs/domain/source-tables/names.ts';
import { type Database, loadStatements } from '#libs/platform/postgres/database.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['sent_columns']);

/**
 * Takes the publication away where an earlier version made it for fewer columns than are read now. Who has a server of their own is
 * told how to widen it; one that ends with the program lets nobody do that. Whoever follows makes it anew, and reads everything anew.
 */
export async function dropNarrowPublication(
  source: Database,
  publication: string,
  { tables }: SourceNames,
): Promise<void> {
  const sent = await source.query<{ name: string; columns: readonly string[] }>(sql.sent_columns, [publication]);
  const isNarrow = tables.some(({ name, columns }) => {
    const listed = sent.find((table) => table.name === name);
    return listed !== undefined && columns.some((column) => !listed.columns.includes(column.name));
  });
  if (isNarrow) await source.query(`DROP PUBLICATION ${nameInSql(publication)}`);
}
