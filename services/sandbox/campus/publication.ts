import { nameInSql, type SourceNames } from '#libs/domain/source-tables/names.ts';
import { type Database, loadStatements } from '#libs/platform/postgres/database.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['sent_columns']);

/**
 * Drops the publication if an earlier version made it with fewer columns than are read now. With a server of their own,
 * people are told how to widen it; here the server ends with the program, so nobody could. The source then makes the
 * publication again, and reads everything again.
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
