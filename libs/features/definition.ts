import { type FeatureType, TYPE_OF_UNIT, type Unit, type UnitValues } from './units.ts';

/** The whole local days that a value is made of; they end on the day that the row speaks for. `ever`: all up to it. */
export type Window = 'ever' | 'that day' | '7 days' | '28 days' | '30 days' | '35 days';

/** How far two computations of the same rows may differ: only what goes through a logarithm or a square root may at all. */
export type Exactness = 'exact' | 'at most 1e-6';

/**
 * The declaration of one feature column; its name and table are where it stands. The column's type, the type of the value
 * in our code, the catalogue, the description of the API, the Avro schema and the version of the features follow from it.
 */
export interface Definition {
  readonly unit: Unit;
  readonly window: Window;
  /** One sentence. It changes whenever the value does that the code makes of the same rows: see `hash.ts`. */
  readonly formula: string;
  /** Goes on after "null when"; absent: never null in a row of its table. */
  readonly nullWhen?: string;
  readonly exactness: Exactness;
  /** The source rows that it is made of: the table, and which of its rows. */
  readonly from: string;
}

/** The definitions of one table, in the order of its columns. */
export type Definitions = Readonly<Record<string, Definition>>;

/** The features of one row: a value for each column that is declared. */
export type FeaturesOf<D extends Definitions> = {
  readonly [N in keyof D]: UnitValues[D[N]['unit']] | (D[N] extends { readonly nullWhen: string } ? null : never);
};

/** The columns of a feature table, but its key and stamps, with their types. */
export type FeatureColumns = Readonly<Record<string, FeatureType>>;

export const columnsOf = (definitions: Definitions): FeatureColumns =>
  Object.fromEntries(Object.entries(definitions).map(([name, { unit }]) => [name, TYPE_OF_UNIT[unit]]));

/** What a column means, for those who read the description of the API or of a topic. */
export function meaningOf({ formula, unit, window, nullWhen }: Definition): string {
  const absent = nullWhen === undefined ? '' : ` Null when ${nullWhen}.`;
  return `${formula} ${unit}; ${window}.${absent}`;
}

/** What every course may or may not collect: without it a 0 would be made up. */
export const unseen = (what: string): string => `nobody in the course had ${what} by then`;
