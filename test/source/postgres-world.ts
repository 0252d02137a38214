import pg from 'pg';
import { neededColumns, SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { type PgoutputOptions, pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { decodeValue } from '#libs/source/postgres/decode.ts';
import type { TestDatabase } from '../support/database.ts';
import { MemoryProgress, type Rows, type SourceWorld, type Writer } from './world.ts';

export interface PostgresWorld extends SourceWorld {
  readonly progress: MemoryProgress;
  readonly database: TestDatabase;
  readonly slotPrefix: string;
  source(options?: Partial<PgoutputOptions>): ReturnType<typeof pgoutputSource>;
}

let worlds = 0;

/** Slot names belong to the server, which other tests share. */
export const freshPrefix = (): string => {
  worlds += 1;
  return `t${process.pid}_${worlds}`;
};

export function postgresWorld(database: TestDatabase): PostgresWorld {
  const progress = new MemoryProgress();
  const slotPrefix = freshPrefix();
  const writers = new pg.Pool({ ...database.address, max: 12 });
  writers.on('error', () => {});
  return {
    database,
    progress,
    slotPrefix,
    source: (options = {}) => pgoutputSource({ address: database.address, progress, slotPrefix, ...options }),
    begin: () => beginWriting(writers),
    rows: () => readRows(database),
    close: async () => {
      await writers.end();
      await database.drop();
    },
  };
}

export async function beginWriting(writers: pg.Pool): Promise<Writer> {
  const client = await writers.connect();
  const quote = pg.escapeIdentifier;
  await client.query('BEGIN');
  const end = async (how: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    await client.query(how);
    client.release();
  };
  return {
    insert: async (table, rows) => {
      const columns = ['id', ...neededColumns(table).map(({ name }) => name)].filter((column) =>
        rows.some((row) => row[column] !== undefined),
      );
      const names = columns.map(quote).join(', ');
      const extra = table === 'students' || table === 'courses' ? ', external_id' : '';
      const extraValue = extra === '' ? '' : ', r.id::text';
      await client.query(
        `INSERT INTO ${table} (${names}${extra})
         SELECT ${columns.map((column) => `r.${quote(column)}`).join(', ')}${extraValue}
           FROM unnest($1::text[]) AS j (row), jsonb_populate_record(NULL::${table}, j.row::jsonb) AS r`,
        [rows.map((row) => JSON.stringify(jsonReady(row)))],
      );
    },
    update: async (table, id, values) => {
      const names = Object.keys(values);
      const set = names.map((name, index) => `${quote(name)} = $${index + 2}`).join(', ');
      await client.query(`UPDATE ${table} SET ${set} WHERE id = $1`, [id, ...Object.values(values)]);
    },
    delete: async (table, id) => {
      await client.query(`DELETE FROM ${table} WHERE id = $1`, [id]);
    },
    truncate: async (...tables) => {
      await client.query(`TRUNCATE ${tables.join(', ')} CASCADE`);
    },
    commit: () => end('COMMIT'),
    rollback: () => end('ROLLBACK'),
  };
}

const jsonReady = (row: Readonly<Record<string, string | null>>): Record<string, unknown> => ({
  ...row,
  ...(typeof row.metadata === 'string' ? { metadata: JSON.parse(row.metadata) } : {}),
});

export async function readRows(database: TestDatabase): Promise<Rows> {
  const rows = new Map();
  for (const table of SOURCE_TABLES) {
    const columns = neededColumns(table);
    const list = ['id', ...columns.map((column) => column.name)].map((name) => `"${name}"::text`).join(', ');
    const read = await database.db.query<Record<string, string | null>>(`SELECT ${list} FROM ${table}`);
    rows.set(
      table,
      new Map(
        read.map((row) => [
          row.id,
          Object.fromEntries(
            columns.map(({ name, kind }) => {
              const text = row[name] ?? null;
              return [name, text === null ? null : decodeValue(kind, text)];
            }),
          ),
        ]),
      ),
    );
  }
  return rows;
}
