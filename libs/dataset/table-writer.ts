import type { DatasetRow } from './columns.ts';

/** Takes bytes in order; resolves when there is room for more. */
export type Bytes = (bytes: Uint8Array) => Promise<void>;

/** The metadata of a table, by name. */
export type TableMetadata = Readonly<Record<string, string>>;

/** Writes rows as a table of some format. */
export interface TableWriter {
  write(rows: readonly DatasetRow[]): Promise<void>;
  /** Ends the table; the metadata are kept if the format has room for them. */
  finish(metadata: TableMetadata): Promise<void>;
}
