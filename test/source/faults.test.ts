import { expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { sortFailure, Waiting } from '#libs/source/postgres/faults.ts';

test('a limit of the server that is not that of slots is told in its own words', () => {
  const said = 'temporary file size exceeds "temp_file_limit" (1kB)';
  const address = { host: 'db', port: 5432, database: 'lms', user: 'reader', password: '' };
  const sorted = sortFailure(Object.assign(new Error(said), { code: '53400' }), address, sourceNames());
  expect(sorted).toBeInstanceOf(Waiting);
  expect(sorted.message).toBe(`the source database db:5432/lms says: ${said}`);
});
