import { expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { sortFailure, Waiting } from '#libs/source/postgres/faults.ts';

test('a limit of the server that is not that of slots is told in its own words', () => {
  const said = 'temporary file size exceeds "temp_file_limit" (1kB)';
  const sorted = sortFailure(Object.assign(new Error(said), { code: '53400' }), 'db:5432/lms', 'reader', sourceNames());
  expect(sorted).toBeInstanceOf(Waiting);
  expect(sorted.message).toBe(`the source database db:5432/lms says: ${said}`);
});
