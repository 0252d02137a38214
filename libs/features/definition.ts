import { type FeatureType, TYPE_OF_UNIT, type Unit, type UnitValues } from './units.ts';

/** The whole local days that a value is computed from; they end on the row's as-of day. `ever`: all days up to it. */
export type Window = 'ever' | 'that day' | '7 days' | '28 days' | '30 days' | '35 days';

/** How far two computations from the same rows may differ; only values that involve a logarithm or a square root may at all. */
export type Exactness = 'exact' | 'at most 1e-6';

/**
 * The declaration of one feature column; its place determines its name and table. The column's type, the type of the value
 * in our code, the catalogue, the description of the API, the Avro schema and the version of the features follow from it.
 */
export interface Definition {
  readonly unit: Unit;
  readonly window: Window;
  /** One sentence. It must change whenever the code computes another value from the same rows: see `hash.ts`. */
  readonly formula: string;
  /** Continues "null when"; absent: never null in a row of its table. */
  readonly nullWhen?: string;
  readonly exactness: Exactness;
  /** The source rows that it is computed from: the table, and which of its rows. */
  readonly from: string;
}

/** The definitions of one table, in the order of its columns. */
export type Definitions = Readonly<Record<string, Definition>>;

/** The features of one row: a value for each declared column. */
export type FeaturesOf<D extends Definitions> = {
  readonly [N in keyof D]: UnitValues[D[N]['unit']] | (D[N] extends { readonly nullWhen: string } ? null : never);
};

/** The columns of a feature table, without its key and stamps, and their types. */
export type FeatureColumns = Readonly<Record<string, FeatureType>>;

export const columnsOf = (definitions: Definitions): FeatureColumns =>
  Object.fromEntries(Object.entries(definitions).map(([name, { unit }]) => [name, TYPE_OF_UNIT[unit]]));

/** What a column means, for those who read the description of the API or of a topic. */
export function meaningOf({ formula, unit, window, nullWhen }: Definition): string {
  const absent = nullWhen === undefined ? '' : ` Null when ${nullWhen}.`;
  return `${formula} ${unit}; ${window}.${absent}`;
}

/** For data that a course may not collect: without it, a 0 would be made up. */
export const unseen = (what: string): string => `nobody in the course had ${what} by then`;
