import { UnrecoverableError } from '#libs/domain/errors.ts';
import { nameInSql, type SourceNames } from '#libs/domain/source-tables/names.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { checkSource } from '#libs/source/pgoutput/index.ts';

/**
 * Drops the publication if the source would refuse it, as it does one of an earlier version that sends fewer columns. With a
 * server of their own, people are told how to alter it; here the server ends with the program, so nobody could. The source then
 * makes the publication again, and reads everything again.
 */
export async function dropRefusedPublication(
  source: Database,
  address: DatabaseAddress,
  publication: string,
  names: SourceNames,
): Promise<void> {
  const refused = await checkSource(address, publication, names).catch((error: unknown) => error);
  if (refused instanceof UnrecoverableError && refused.code === 'source_publication')
    await source.query(`DROP PUBLICATION ${nameInSql(publication)}`);
}
