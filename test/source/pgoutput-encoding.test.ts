import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { PrepaError } from '#libs/domain/errors.ts';
import { createSourceDatabase } from '../support/database.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { statementsIn } from './refusal.ts';
import { eventually } from './stage.ts';
import { Reader, Replica } from './world.ts';

/* The same text through the initial snapshot and through the stream, whatever the database's encoding. */

const TEXTS = [
  'é',
  '€ 5',
  '日本',
  '\u{1F600}',
  '\uFFFD',
  '\uFFFF',
  '\uFEFFwith a mark before',
  'in\uFEFFside',
  // What COPY escapes.
  'a\tb\nc\rd\be\ff\vg',
  '\\N',
  '\\',
  '\\t',
  '\\.',
  '',
];

let world: PostgresWorld;
let reader: Reader;
afterEach(async () => {
  reader.stop();
  await world.close();
});

/** What arrives of rows with these items, each given as the bytes in the database: once read by the snapshot, once followed. */
async function itemsOf(items: readonly Buffer[]): Promise<{ read: unknown[]; followed: unknown[] }> {
  const encoding = `(SELECT current_setting('server_encoding'))`;
  const insert = () =>
    world.database.db.query(
      `INSERT INTO grades (grade_item, grade_max)
       SELECT convert_from(bytes, ${encoding}), n FROM unnest($1::bytea[]) WITH ORDINALITY AS t (bytes, n)`,
      [items.map((item) => `\\x${item.toString('hex')}`)],
    );
  await insert();
  const source = world.source();
  reader = new Reader(world, new Replica()).start(source);
  await eventually(() => reader.error ?? source.status().state).toBe('streaming');
  await insert();
  await eventually(() => reader.changes.length).toBe(2 * items.length);
  const of = (op: string): unknown[] =>
    (reader.changes as AnyRowChange[])
      .filter((change) => change.op === op)
      .map(({ after }) => after as { grade_max: string; grade_item: string })
      .sort((a, b) => Number(a.grade_max) - Number(b.grade_max))
      .map(({ grade_item }) => grade_item);
  return { read: of('read'), followed: of('create') };
}

onEachPostgres([14, 18], (_version, server) => {
  const begin = async (encoding: string): Promise<void> => {
    world = postgresWorld(await createSourceDatabase('encoding', undefined, server(), encoding));
  };

  test.for([
    ['UTF8', TEXTS.map(utf8)],
    ['LATIN1', [latin(0xe9, 0x20, 0xff), latin(0x80)]],
    ['LATIN9', [latin(0xa4)]],
    ['WIN1252', [latin(0x80, 0x8a)]],
    ['EUC_JP', [latin(0xc6, 0xfc, 0xcb, 0xdc)]],
  ] as const)('%s', async ([encoding, items]) => {
    await begin(encoding);
    const { read, followed } = await itemsOf(items);
    expect(read).toEqual(EXPECTED[encoding]);
    expect(followed).toEqual(read);
  });

  test('SQL_ASCII: what is UTF-8 is text, and what is not is marked byte by byte', async () => {
    await begin('SQL_ASCII');
    const { read, followed } = await itemsOf([utf8('é €'), latin(0xe9), latin(0x61, 0xe9, 0x62, 0xff), utf8('日')]);
    expect(read).toEqual(['é €', '\uFFFF', 'a\uFFFFb\uFFFF', '日']);
    expect(followed).toEqual(read);
  });
});

describe('a byte that means nothing in the encoding of its database', () => {
  const spoil = (id: string) =>
    world.database.db.query(`UPDATE grades SET grade_item = convert_from('\\x6181', 'WIN1252') WHERE id = $1`, [id]);
  const start = (): ReturnType<PostgresWorld['source']> => {
    const source = world.source();
    reader = new Reader(world, new Replica()).start(source);
    return source;
  };
  let id: string;
  beforeEach(async () => {
    world = postgresWorld(await createSourceDatabase('encoding', undefined, undefined, 'WIN1252'));
    const rows = await world.database.db.query<{ id: string }>(
      `INSERT INTO grades (grade_item) SELECT 'quiz' FROM generate_series(1, 3) RETURNING id`,
    );
    id = rows[0]?.id ?? '';
  });

  test('ends the reading with the table, and with a query that finds the row', async () => {
    await spoil(id);
    start();
    await reader.ended;
    expect(reader.error).toMatchObject({
      code: 'source_text',
      message: expect.stringMatching(
        /^a row of the source table "public"\."grades" cannot be read.* 0x81 in encoding "WIN1252"/,
      ),
    });
    const [query = ''] = statementsIn((reader.error as PrepaError).hint);
    expect(await world.database.db.query(query)).toEqual([{ id }]);
    await world.database.db.query(`UPDATE grades SET grade_item = 'quiz' WHERE id = $1`, [id]);
    const source = start();
    await eventually(() => reader.error ?? source.status().state).toBe('streaming');
  });

  test('in the log, and set right since: everything is read anew, by itself', async () => {
    const source = start();
    await eventually(() => reader.error ?? source.status().state).toBe('streaming');
    reader.stop();
    await spoil(id);
    await world.database.db.query(`UPDATE grades SET grade_item = 'exam' WHERE id = $1`, [id]);
    start();
    await eventually(() => reader.error ?? world.progress.stored).toMatchObject({ epoch: 2, phase: 'streaming' });
    expect(world.progress.reasons[1]).toMatch(
      /^in the log of the source, a text is none in the encoding of its database: .*0x81/,
    );
  });
});

function utf8(text: string): Buffer {
  return Buffer.from(text);
}
function latin(...bytes: number[]): Buffer {
  return Buffer.from(bytes);
}
const EXPECTED = {
  UTF8: TEXTS,
  LATIN1: ['é ÿ', '\u0080'],
  LATIN9: ['€'],
  WIN1252: ['€Š'],
  EUC_JP: ['日本'],
};
