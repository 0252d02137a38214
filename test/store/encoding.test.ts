import { expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { createTestDatabase } from '../support/database.ts';

test.for(['LATIN1', 'SQL_ASCII'])(
  'an analytics database in %s is refused by name, and nothing is made in it',
  async (encoding) => {
    const database = await createTestDatabase('encoding', 2, undefined, encoding);
    const options = {
      name: 'test',
      role: 'owner' as const,
      log: openLog('silent'),
      signal: new AbortController().signal,
    };
    await expect(openAnalytics(database.address, options)).rejects.toMatchObject({
      message: expect.stringContaining(`is encoded in ${encoding}, which does not hold every text`),
      hint: expect.stringContaining("ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0; and set ANALYTICS_DB_NAME to it"),
    });
    expect(await database.db.query(`SELECT FROM pg_class WHERE relname = 'schema_version'`)).toEqual([]);
    await database.drop();
  },
);
