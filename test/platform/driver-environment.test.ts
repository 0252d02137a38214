import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('environment');
});
afterAll(() => database.drop());

test.each([
  ['PGSSLMODE', 'require'],
  ['PGSSLNEGOTIATION', 'direct'],
  ['PGOPTIONS', '-c no_such_setting=1'],
  ['PGREPLICATION', 'database'],
  ['NODE_PG_FORCE_NATIVE', '1'],
])('what is set for others does not count: %s=%s', async (name, value) => {
  const { host, port, user, password } = database.address;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['libs/platform/launch.mjs', 'services/slot/main.ts'],
    {
      cwd: path.resolve(import.meta.dirname, '../..'),
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        SOURCE_DB_HOST: host,
        SOURCE_DB_PORT: String(port),
        SOURCE_DB_NAME: database.address.database,
        SOURCE_DB_USER: user,
        SOURCE_DB_PASSWORD: password,
        SOURCE_SLOT: 'environment',
        [name]: value,
      },
    },
  );
  expect(stdout).toContain('none of the prefix environment');
});
