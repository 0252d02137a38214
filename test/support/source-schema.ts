import { readFileSync } from 'node:fs';

/** The tables of an LMSConnector; the sample campus has the same. */
export const SOURCE_SCHEMA = readFileSync(
  new URL('../../services/sandbox/campus/sql/schema.sql', import.meta.url),
  'utf8',
);

/** The same for a careless source: no foreign keys, no NOT NULL. */
export const LAX_SOURCE_SCHEMA = SOURCE_SCHEMA.replaceAll(/REFERENCES \w+ \(id\) ON DELETE CASCADE|NOT NULL/g, '');

/** A row for `jsonb_populate_record`: numbers are local milliseconds and become timestamps. */
export function toSourceRecord(row: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === 'number') return [name, new Date(value).toISOString().slice(0, -1)];
      return [name, value];
    }),
  );
}

/**
 * Rows as JSON for `jsonb_populate_recordset`. Metadata is inserted as its JSON text, so that no digit is lost in
 * JavaScript's numbers.
 */
export function toRecordSet(rows: Iterable<readonly [id: string, row: object]>): string {
  const records = [...rows].map(([id, row]) => {
    const { metadata, ...others } = row as { metadata?: string | null };
    const text = JSON.stringify({ id, ...toSourceRecord(others) });
    return typeof metadata === 'string' ? `${text.slice(0, -1)},"metadata":${metadata}}` : text;
  });
  return `[${records.join(',')}]`;
}
