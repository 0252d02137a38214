import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isRejected } from '#libs/clean/rejection.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import { FLAG_NAMES } from '#libs/domain/flags.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import { sampleResults } from './sample.ts';

const sample = sampleResults();
const results = sample.keys;

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });

const FILE = (sha256: string): string => `/**
 * What the code makes of the rows of \`test/features/sample.ts\`: part of the hash of the features, so that a database which
 * was derived by code with other results is derived again. Written by \`npx vitest run test/features -u\`.
 */
export const RESULTS = '${sha256}';
`;

test('what the code makes of the sample is what it made; where it is meant to differ, npx vitest run test/features -u', async () => {
  const sha256 = createHash('sha256').update(canonical(sample)).digest('hex');
  await expect(FILE(sha256)).toMatchFileSnapshot('../../libs/features/results.ts');
});

test.each(FAMILIES)('the sample has every feature of %s with several values', (family) => {
  for (const column of Object.keys(FEATURE_SET[`${family}_features`])) {
    const values = results.map(({ [family]: { derived } }) =>
      derived ? canonical((derived.features as Readonly<Record<string, unknown>>)[column]) : null,
    );
    expect(new Set(values).size, column).toBeGreaterThan(2);
  }
});

test('and every flag, open and not known', () => {
  const rows = results.flatMap(({ anomaly: { derived } }) => (derived ? [derived.features] : []));
  expect(FLAG_NAMES.filter((name) => !rows.some((row) => row[name] !== null))).toEqual([]);
  expect(FLAG_NAMES.filter((name) => !rows.some((row) => row.unsupported.includes(name)))).toEqual([]);
});

test('and rows that cannot be read, of the kinds that a row itself decides', () => {
  const reasons = results.flatMap(({ read: { activities, grades } }) =>
    [...activities, ...grades].flatMap((reading) => (isRejected(reading) ? [reading.rejected] : [])),
  );
  expect([...new Set(reasons)].sort()).toEqual([
    'bad_completion_state',
    'bad_duration',
    'bad_max',
    'bad_value',
    'completion_without_resource',
    'no_time',
  ]);
});
