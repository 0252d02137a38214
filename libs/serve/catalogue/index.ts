import { z } from 'zod';
import type { Definition } from '#libs/features/definition.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from '../statements.ts';

export type FeatureTableName = keyof typeof FEATURE_SET;
const TABLES = Object.keys(FEATURE_SET) as FeatureTableName[];

export const catalogueAnswer = z.array(
  z
    .strictObject({
      name: z.string().meta({ description: 'The column' }),
      table: z.enum(TABLES),
      unit: z.string().meta({ description: 'What the value is counted in, and the decimals it is rounded to, once' }),
      formula: z.string().meta({ description: 'One sentence; words in capitals are settings' }),
      window: z
        .string()
        .meta({ description: 'Whole local days up to the one that the row speaks for; ever: all of them' }),
      null_when: z.string().nullable().meta({ description: 'Goes on after "null when"; null: never' }),
      exactness: z
        .enum(['exact', 'at most 1e-6'])
        .meta({ description: 'How far two computations from the same rows may differ' }),
      source_rows: z.string().meta({ description: 'Tables of the LMSConnector, and which of their rows' }),
      version: z.int().meta({ description: 'The feature_version of rows that are made by this definition' }),
    })
    .meta({ id: 'CatalogueEntry' }),
);
/** What a column means; the version is left out, since it belongs to the database that holds the values. */
export type CatalogueEntry = Omit<z.output<typeof catalogueAnswer>[number], 'version'>;

const entryOf = (table: FeatureTableName, name: string, definition: Definition): CatalogueEntry => ({
  name,
  table,
  unit: definition.unit,
  formula: definition.formula,
  window: definition.window,
  null_when: definition.nullWhen ?? null,
  exactness: definition.exactness,
  source_rows: definition.from,
});

/** The data catalogue: one entry for each feature column, tables and columns in their order. */
export const CATALOGUE: readonly CatalogueEntry[] = TABLES.flatMap((table) =>
  Object.entries(FEATURE_SET[table]).map(([name, definition]) => entryOf(table, name, definition)),
);

/** The catalogue, with the version that rows made by these definitions have. */
export async function readCatalogue(db: Queryable): Promise<z.output<typeof catalogueAnswer>> {
  const version = await readFeatureVersion(db);
  return CATALOGUE.map((entry) => ({ ...entry, version }));
}

/** The version of the definitions in force. */
export async function readFeatureVersion(db: Queryable): Promise<number> {
  const [row] = await db.query<{ version: number }>(sql.feature_version);
  return row?.version ?? 1;
}
