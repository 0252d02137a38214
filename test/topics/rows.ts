import { FAMILIES, type Family } from '#libs/domain/family.ts';
import { ATTENTION_REASONS } from '#libs/domain/flags.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { featureTopicOf } from '#libs/store/features/outbox.ts';

/** A row as JSON, built by Postgres: numbers as numbers, days and instants as days and milliseconds since 1970. */
export type PlainRow = Readonly<Record<string, unknown>>;

/**
 * What the messages of a family must say, computed by Postgres from the tables alone.
 * @returns by topic, student and course
 */
export async function tableRows(db: Queryable, family: Family): Promise<Map<string, PlainRow>> {
  const columns = await db.query<{ name: string; type: string }>(
    'SELECT attname::text AS name, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum',
    [`${family}_features`],
  );
  const pairs = columns.map(({ name, type }) => {
    if (type === 'date') return `'${name}', f.${name} - date '1970-01-01'`;
    if (type === 'timestamp with time zone') return `'${name}', floor(extract(epoch FROM f.${name}) * 1000)::bigint`;
    if (family === 'anomaly' && type === 'jsonb') return `'${name}', ${flagOf(name)}`;
    return `'${name}', f.${name}`;
  });
  // A function call takes a limited number of arguments.
  const half = Math.ceil(pairs.length / 2);
  const objects = [pairs.slice(0, half), pairs.slice(half)].map((part) => `jsonb_build_object(${part.join(', ')})`);
  const rows = await db.query<{ row: PlainRow }>(
    `SELECT ${objects.join(' || ')} || jsonb_build_object('student_source_id', s.source_id, 'course_source_id', c.source_id) AS row
     FROM ${family}_features AS f JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)`,
  );
  return new Map(rows.map(({ row }) => [`${featureTopicOf(family)} ${row['student_id']} ${row['course_id']}`, row]));
}

/** Parts that a stored flag may lack, and that are null in its record. */
const optionalOf = (name: string): readonly string[] =>
  name === 'attention' ? [] : REASONS.has(name) ? ['source', 'items', 'graded'] : ['item'];
const REASONS: ReadonlySet<string> = new Set(ATTENTION_REASONS);

/** A flag as a record, which may lack nothing. */
function flagOf(name: string): string {
  const optional = optionalOf(name).map((part) => `, '${part}', f.${name} -> '${part}'`);
  return `f.${name} || jsonb_build_object('since', (f.${name} ->> 'since')::date - date '1970-01-01'${optional.join('')})`;
}

/** The rows of all families. */
export async function allRows(db: Queryable): Promise<Map<string, PlainRow>> {
  const maps = await Promise.all(FAMILIES.map((family) => tableRows(db, family)));
  return new Map(maps.flatMap((map) => [...map]));
}

/**
 * The differences between messages and tables, in words. A day that moves without changing features is not sent, so the
 * table's as_of_date may differ: it may be later, or earlier if the last facts of a course were deleted.
 */
export function differences(
  messages: ReadonlyMap<string, { readonly value: PlainRow | null }>,
  rows: ReadonlyMap<string, PlainRow>,
): string[] {
  const found: string[] = [];
  for (const key of new Set([...messages.keys(), ...rows.keys()])) {
    const [value, row] = [messages.get(key)?.value ?? null, rows.get(key) ?? null];
    if (value === null && row === null) continue;
    if (value === null || row === null) {
      found.push(`${key}: ${value === null ? 'not on the topic' : 'on the topic, but not in the table'}`);
      continue;
    }
    for (const name of new Set([...Object.keys(value), ...Object.keys(row)])) {
      if (name === 'as_of_date' && Number.isInteger(value[name])) continue;
      const [sent, stored] = [plain(value[name]), plain(row[name])];
      if (sent !== stored) found.push(`${key}: ${name} is ${sent} on the topic, ${stored} in the table`);
    }
  }
  return found;
}

/** Text that is equal for equal values, whatever the order of their fields. */
const plain = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  ) ?? 'missing';
