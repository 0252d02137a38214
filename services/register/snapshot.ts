import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { codeOf, sortFailure } from '#libs/source/postgres/faults.ts';
import { openLink } from '#libs/source/postgres/link.ts';
import type { RegisterSettings } from './settings.ts';

/**
 * Orders the connector to read tables again, by a row in the signal table. The snapshot is `blocking`, so streaming pauses
 * meanwhile: an incremental one would lose rows that share a message key (see `steps.ts`).
 * @param table one of the five; undefined: all
 * @returns what was ordered, as a sentence
 */
export async function orderSnapshot(
  settings: RegisterSettings,
  table: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const known = SOURCE_TABLES.find((name) => name === table);
  if (table !== undefined && known === undefined) {
    throw new ConfigurationError(
      `there is no source table "${table}"`,
      `name one of ${SOURCE_TABLES.join(', ')}, or none for all`,
    );
  }
  const tables: readonly SourceTable[] = known === undefined ? SOURCE_TABLES : [known];
  const data = {
    type: 'blocking',
    'data-collections': tables.map((one) => `${settings.names.schema}.${settings.names.of(one).name}`),
  };
  try {
    const link = await openLink(settings.source, 'signal', 'sql', signal, () => {});
    try {
      await link.client.query(`INSERT INTO prepadata.signal (id, type, data) VALUES ($1, 'execute-snapshot', $2)`, [
        `snapshot-${randomUUID()}`,
        JSON.stringify(data),
      ]);
    } finally {
      link.close();
    }
  } catch (error) {
    if (codeOf(error) === '42P01' || codeOf(error) === '3F000') {
      throw new ConfigurationError(
        'the source database has no table prepadata.signal, by which the connector takes orders',
        'run npm run register first',
        { cause: error },
      );
    }
    throw sortFailure(error, settings.source, settings.names);
  }
  return `Ordered: the connector ${settings.name} reads ${tables.join(', ')} again, between two changes.`;
}
