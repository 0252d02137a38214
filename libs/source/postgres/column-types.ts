import type pg from 'pg';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';
import type { NamedColumn, SourceNames } from '#libs/domain/source-tables/names.ts';
import { loadStatements } from '#libs/platform/postgres/database.ts';
import { isReadable, SOURCE_TYPES } from '../types.ts';
import type { ColumnFacts, TableFacts } from './tables.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['foreign_keys']);

interface Mistyped {
  readonly table: string;
  readonly column: NamedColumn;
  readonly facts: ColumnFacts;
}

/**
 * Checks that every value of the needed columns arrives exactly, whatever the transport.
 * @throws UnrecoverableError naming every column whose type is not allowed, with the statements that change it
 */
export async function checkColumnTypes(
  client: pg.Client,
  names: SourceNames,
  tables: readonly TableFacts[],
): Promise<void> {
  const mistyped = tables.flatMap(mistypedIn);
  if (mistyped.length === 0) return;
  const first = mistyped[0] as Mistyped;
  const others = mistyped.slice(1).map(({ table, column, facts }) => `${table}.${column.name} (${shown(facts)})`);
  throw new UnrecoverableError(
    'source_column_type',
    `the column ${first.column.name} of the source table ${first.table} is of type ${shown(first.facts)}; it must be ${typesOf(first.column.kind)}${
      others.length === 0 ? '' : `. Likewise ${others.join(', ')}`
    }`,
    await remedy(client, names, mistyped),
  );
}

function mistypedIn({ named, columns }: TableFacts): Mistyped[] {
  return named.columns.flatMap((column) => {
    const facts = columns[column.name];
    return facts === undefined || (isReadable(column.kind, facts.base) && !isRoundedToTens(facts))
      ? []
      : [{ table: named.sql, column, facts }];
  });
}

/** A negative scale, which Postgres has had since 15 and Debezium mistakes for a scale of about 2000. */
const isRoundedToTens = ({ base, baseType }: ColumnFacts): boolean => base === 'numeric' && baseType.includes(',-');

const shown = ({ fullType, baseType }: ColumnFacts): string =>
  fullType === baseType ? fullType : `${fullType}, a domain over ${baseType}`;

const typesOf = (kind: ColumnKind): string => {
  const types = SOURCE_TYPES[kind].map((type) => (type === 'enum' ? 'an enum' : type));
  return types.length === 1 ? types.join() : `${types.slice(0, -1).join(', ')} or ${types.at(-1)}`;
};

async function remedy(client: pg.Client, names: SourceNames, mistyped: readonly Mistyped[]): Promise<string> {
  const foreign = mistyped.find(({ column, facts }) => column.kind === 'uuid' && !isText(facts));
  if (foreign !== undefined) {
    return `PrepaData knows students and courses by the UUIDs that an LMSConnector gives them; let the one that writes ${foreign.table} give them, too`;
  }
  const changes = mistyped.map(change);
  const keys = mistyped.some(({ column }) => column.kind === 'uuid')
    ? (
        await client.query<{ drop: string; add: string }>({
          ...sql.foreign_keys,
          values: [names.schema, names.tables.map(({ name }) => name)],
        })
      ).rows
    : [];
  const all = [...keys.map((key) => key.drop), ...changes, ...keys.map((key) => key.add)].join(' ');
  return `let the LMSConnector write that type; what is there is converted so: as the owner of the tables, run: ${all}${
    mistyped.some(({ column }) => column.kind === 'timestamp')
      ? ' and set SOURCE_TIMEZONE=UTC, where it named an instant'
      : ''
  }`;
}

function change({ table, column, facts }: Mistyped): string {
  const { kind, sql: name } = column;
  const type = `ALTER COLUMN ${name} TYPE ${SOURCE_TYPES[kind][0]} USING ${conversion(kind, name, facts)}`;
  // A default is not converted along with the values.
  return column.column === 'id' && facts.hasDefault
    ? `ALTER TABLE ${table} ALTER COLUMN ${name} DROP DEFAULT, ${type}, ALTER COLUMN ${name} SET DEFAULT gen_random_uuid();`
    : `ALTER TABLE ${table} ${type};`;
}

const isText = ({ base }: ColumnFacts): boolean => ['text', 'character varying', 'character', 'citext'].includes(base);

/** An expression that converts the column's value to the type it should have. */
function conversion(kind: ColumnKind, column: string, facts: ColumnFacts): string {
  const { base } = facts;
  if (kind === 'timestamp' && base === 'timestamp with time zone') return `${column} AT TIME ZONE 'UTC'`;
  // Seconds since 1970, as Moodle stores them.
  if (kind === 'timestamp' && /int|numeric|double|real/.test(base)) return `to_timestamp(${column}) AT TIME ZONE 'UTC'`;
  if (kind === 'integer' && base === 'interval') return `extract(epoch FROM ${column})::integer`;
  if (kind === 'json' && !isText(facts)) return `to_jsonb(${column})`;
  return `${column}::${SOURCE_TYPES[kind][0]}`;
}
