import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { neededColumns, SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { type SourceMapping, sourceNames } from '#libs/domain/source-tables/names.ts';
import { readTextFile } from './text-file.ts';

const EXAMPLE = '{"tables": {"grades": {"table": "lms_grade", "columns": {"grade_value": "value"}}}}';
/** A name that Postgres, Kafka and Avro all accept unchanged. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the names of the source's tables and columns.
 * @throws ConfigurationError naming the file, the place in it and what to do
 */
export function readMapping(file: string): SourceMapping {
  const refuse = (place: string, remedy: string): never => {
    throw new ConfigurationError(`${file}: ${place}`, remedy);
  };
  const fieldsOf = (value: unknown, place: string, allowed: readonly string[], what: string): Fields => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return refuse(`${place} is no JSON object`, `write it like ${EXAMPLE}`);
    const unknown = Object.keys(value).find((key) => !allowed.includes(key));
    return unknown === undefined
      ? (value as Fields)
      : refuse(`${place}.${unknown} is no ${what}`, `name ${allowed.join(', ')} there`);
  };
  const nameOf = (value: unknown, place: string): string =>
    typeof value === 'string' && NAME.test(value)
      ? value
      : refuse(
          `${place} is ${JSON.stringify(value)}, and no name that can be used`,
          'give a name of up to 63 letters without accents, digits and underscores, not beginning with a digit',
        );
  const tableOf = (table: SourceTable, value: unknown): NonNullable<SourceMapping[SourceTable]> => {
    const place = `tables.${table}`;
    const fields = fieldsOf(value, place, ['table', 'columns'], 'member of a table');
    const known = ['id', ...neededColumns(table).map(({ name }) => name)];
    const columns = fieldsOf(fields['columns'] ?? {}, `${place}.columns`, known, `column of ${table} that is read`);
    return {
      ...(fields['table'] === undefined ? {} : { table: nameOf(fields['table'], `${place}.table`) }),
      columns: Object.fromEntries(
        Object.entries(columns).map(([column, name]) => [column, nameOf(name, `${place}.columns.${column}`)]),
      ),
    };
  };
  const content = fieldsOf(parse(file), 'the whole', ['tables'], 'member');
  const tables = fieldsOf(content['tables'] ?? {}, 'tables', SOURCE_TABLES, 'table that is read');
  const mapping: SourceMapping = Object.fromEntries(
    Object.entries(tables).map(([table, value]) => [table, tableOf(table as SourceTable, value)]),
  );
  for (const [place, first, second, name] of namedTwice(mapping))
    refuse(`${place}: ${first} and ${second} would both be read from ${name}`, 'give each a name of its own');
  return mapping;
}

function parse(file: string): unknown {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (cause) {
    throw new ConfigurationError(
      `${file} cannot be read: ${messageOf(cause)}`,
      'name a file that can be read, or none where the source has the names that an LMSConnector gives',
      { cause },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError(`${file} is no JSON: ${messageOf(cause)}`, `write it like ${EXAMPLE}`, { cause });
  }
}

/** Finds names used for two things, including a mapped name that equals another's default name. */
function* namedTwice(mapping: SourceMapping): Generator<[place: string, first: string, second: string, name: string]> {
  const { tables } = sourceNames(undefined, mapping);
  const places = [
    { place: 'tables', all: tables.map(({ table, name }) => ({ ours: table as string, name })) },
    ...tables.map(({ table, columns }) => ({
      place: `tables.${table}.columns`,
      all: columns.map(({ column, name }) => ({ ours: column, name })),
    })),
  ];
  for (const { place, all } of places)
    for (const [index, { ours, name }] of all.entries()) {
      const first = all.slice(0, index).find((other) => other.name === name);
      if (first !== undefined) yield [place, first.ours, ours, name];
    }
}
