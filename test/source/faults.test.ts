import { once } from 'node:events';
import { connect, type LookupFunction } from 'node:net';
import { expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { sortFailure, Waiting } from '#libs/source/postgres/faults.ts';

const address = { host: 'db', port: 5432, database: 'lms', user: 'reader', password: '' };

test('a limit of the server that is not that of slots is told in its own words', () => {
  const said = 'temporary file size exceeds "temp_file_limit" (1kB)';
  const sorted = sortFailure(Object.assign(new Error(said), { code: '53400' }), address, sourceNames());
  expect(sorted).toBeInstanceOf(Waiting);
  expect(sorted.message).toBe(`the source database db:5432/lms says: ${said}`);
});

test('a name with several addresses at which nobody answers is told with what each of them says', async () => {
  const port = await freePort();
  const lookup: LookupFunction = (_name, _options, found) =>
    found(
      null,
      ['127.0.0.1', '127.0.0.2'].map((at) => ({ address: at, family: 4 })),
    );
  const socket = connect({ host: 'db', port, lookup, autoSelectFamily: true });
  const [error] = await once(socket, 'error');
  expect(sortFailure(error, address, sourceNames()).message).toBe(
    `the source database db:5432/lms does not answer: connect ECONNREFUSED 127.0.0.1:${port}, connect ECONNREFUSED 127.0.0.2:${port}`,
  );
});
