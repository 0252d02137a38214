import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describe, judge, type Release } from '../dormant/judge.ts';
import { REASONS } from '../dormant/reasons.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const NOW = Date.UTC(2026, 5, 1);
const released = (name: string, year: number): Release => ({ name, version: '1.0.0', at: Date.UTC(year, 4, 1) });

test('the table of SECURITY.md is the list of reasons', () => {
  const rows = REASONS.map(({ name, last, why }) => `| \`${name}\` | ${last} | ${why} |`);
  const table = /\| package \| its last \| why it stays \|\n\|---\|---\|---\|\n((?:\|.*\n)*)/.exec(
    read('services/SECURITY.md'),
  );
  expect(table?.[1]?.trimEnd().split('\n')).toEqual(rows);
});

test('reasons are those of packages that run, each once', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const names = REASONS.map(({ name }) => name);
  expect(names.filter((name) => !(name in dependencies))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

test('who sleeps is told with its reason, the longest asleep first; who has none is told so', () => {
  const releases = [released('awake', 2026), released('old', 2024), released('older', 2020)];
  const reasons = [{ name: 'older', last: '1.0.0, 2020', why: 'it is finished' }];
  const judged = judge(releases, reasons, NOW);
  expect(judged.dormant.map(({ name, why }) => [name, why])).toEqual([
    ['older', 'it is finished'],
    ['old', undefined],
  ]);
  expect(describe(judged, 3)).toMatch(
    /^2 of 3 .*older 1\.0\.0, 2020-05-01\n {4}it is finished\n {2}old .*\n {4}NO REASON/s,
  );
});

test('a reason that is not needed any more is told', () => {
  const reasons = ['awake', 'gone'].map((name) => ({ name, last: '', why: 'it was asleep' }));
  const judged = judge([released('awake', 2026)], reasons, NOW);
  expect(judged.needless.map(({ name }) => name)).toEqual(['awake', 'gone']);
  expect(describe(judged, 1)).toContain('awake has a reason');
});
