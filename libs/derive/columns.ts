/** How a feature's value is kept: the Postgres type of its column. Decimals travel as exact text. */
export type FeatureType = 'integer' | 'bigint' | 'numeric' | 'timestamptz' | 'jsonb' | 'text' | 'boolean' | 'text[]';

/** The columns of a feature table, but its key and stamps, with their types. */
export type FeatureColumns = Readonly<Record<string, FeatureType>>;
