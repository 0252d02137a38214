import { readFileSync } from 'node:fs';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import { readGrantsSql } from '#libs/source/postgres/remedies.ts';

const FILE = new URL('../../connectors/source.sql', import.meta.url);
const ROLE = 'prepadata_reader';

/**
 * connectors/source.sql with these names and this publication. With those of an LMSConnector the result is the file itself;
 * a test checks that.
 */
export function sourceSql(names: SourceNames, publication: string): string {
  const { tables } = names;
  const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const array = (texts: readonly string[]): string => `ARRAY[${texts.map(literal).join(', ')}]`;
  const values = tables.map(({ sql, columns }) => `      (${literal(sql)}, ${array(columns.map(({ name }) => name))})`);
  const parts: readonly (readonly [RegExp, string])[] = [
    [/ARRAY\[[^\]]*\]::regclass\[\]/, `${array(tables.map(({ sql }) => sql))}::regclass[]`],
    [/^GRANT USAGE ON SCHEMA .*;$/m, readGrantsSql(ROLE, names)[0] ?? ''],
    [/(?:^GRANT SELECT .*;\n)+/m, `${readGrantsSql(ROLE, names).slice(1).join('\n')}\n`],
    [/(?<=\(VALUES\n)[\s\S]*?(?=\n {4}\) AS t)/, values.join(',\n')],
    [/(?<=CREATE PUBLICATION )\w+/, publication],
  ];
  return parts.reduce((text, [place, part]) => text.replace(place, () => part), readFileSync(FILE, 'utf8'));
}
