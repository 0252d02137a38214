import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { membersOf } from '#libs/clean/json-members.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const NAMES = ['state', 'due_at', 'event_id'] as const;

/** JSON text with white space and escapes wherever allowed, and with repeated member names. */
const json = fc.letrec<{ value: string; object: string }>((tie) => {
  const space = fc.constantFrom('', '', ' ', '\n\t', '\r ');
  const escaped = (text: string): string =>
    `"${[...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
  // No NUL, for which `->>` has no text.
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '{', '}', '[', ']', ',', ':', 'é', '\n', '😀') });
  const name = fc.oneof(fc.constantFrom(...NAMES, 'x'), text);
  const quoted = (of: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .tuple(of, fc.nat(3))
      .map(([given, kind]) => (kind === 0 && !given.includes('😀') ? escaped(given) : JSON.stringify(given)));
  const number = fc.constantFrom('0', '-0', '1e0', '10E-1', '1.50', '9007199254740993', '-2.5e+3');
  const list = (of: fc.Arbitrary<string>, open: string, close: string): fc.Arbitrary<string> =>
    fc
      .array(
        fc.tuple(space, of, space).map((parts) => parts.join('')),
        { maxLength: 4 },
      )
      .map((items) => `${open}${items.join(',')}${close}`);
  const member = fc
    .tuple(quoted(name), space, space, tie('value'))
    .map(([named, a, b, value]) => `${named}${a}:${b}${value}`);
  return {
    object: list(member, '{', '}'),
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('null', 'true', 'false'),
      number,
      quoted(text),
      list(tie('value'), '[', ']'),
      tie('object'),
    ),
  };
});

describe("members are those of Postgres' ->>", () => {
  let postgres: TestDatabase;
  beforeAll(async () => {
    postgres = await createTestDatabase('json_members', 2);
  });
  afterAll(() => postgres.drop());

  const documents = fc.sample(fc.oneof(json.object, json.value), { numRuns: 2_000, seed: 20_260_320 });
  const texts = (document: string): (string | null)[] => {
    const members = membersOf(document, NAMES);
    return NAMES.map((name) => members[name]?.text ?? null);
  };

  // A json column is the text as written; a jsonb column is printed by Postgres.
  test.each(['json', 'jsonb'])('of %s', async (type) => {
    const rows = await postgres.db.query<{ printed: string; texts: (string | null)[] }>(
      `SELECT d::text AS printed, ARRAY[d ->> 'state', d ->> 'due_at', d ->> 'event_id'] AS texts
       FROM unnest($1::${type}[]) WITH ORDINALITY AS t (d, n) ORDER BY n`,
      [documents],
    );
    expect(documents.filter((document) => texts(document).some((text) => text !== null)).length).toBeGreaterThan(500);
    expect(rows.map((row) => [row.printed, texts(row.printed)])).toEqual(rows.map((row) => [row.printed, row.texts]));
  });
});
