/** How a feature's value is kept: the Postgres type of its column. Decimals travel as exact text. */
export type FeatureType = 'integer' | 'numeric' | 'timestamptz' | 'jsonb';

/** The columns of a feature table, but its key and stamps, with their types. */
export type FeatureColumns<F> = Readonly<Record<keyof F & string, FeatureType>>;
