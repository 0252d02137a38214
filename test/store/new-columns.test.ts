import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const FOLDER = new URL('../../schemas/sql/', import.meta.url);

/** NOT NULL columns without a default that a migration adds to a table that may hold rows. */
function withoutValue(text: string): string[] {
  const plain = text.replaceAll(/--.*$/gm, '');
  return [...plain.matchAll(/\bADD (?:COLUMN )?(?:IF NOT EXISTS )?("?\w+"? [^;]*?NOT NULL[^;,]*)/gi)].flatMap(
    ([, column = '']) =>
      column.split(/,\s*ADD (?:COLUMN )?/i).filter((one) => /NOT NULL/i.test(one) && !/DEFAULT|GENERATED/i.test(one)),
  );
}

test('such are found', () => {
  expect(withoutValue('ALTER TABLE f ADD COLUMN a integer NOT NULL;')).toEqual(['a integer NOT NULL']);
  expect(withoutValue('ALTER TABLE f ADD COLUMN a integer, ADD COLUMN b text NOT NULL;')).toEqual(['b text NOT NULL']);
  expect(withoutValue('ALTER TABLE f ADD COLUMN a bigint NOT NULL DEFAULT 0, ADD COLUMN b text;')).toEqual([]);
});

test.each(readdirSync(FOLDER))('%s: a new column that is never null says what the rows have that are there', (name) => {
  const advice = 'a database in use has rows: NOT NULL DEFAULT 0; they are derived again, since the definitions differ';
  expect(withoutValue(readFileSync(new URL(name, FOLDER), 'utf8')), advice).toEqual([]);
});
