import type { DatasetRow } from './columns.ts';

/** Takes bytes in their order, each time when it has room. */
export type Bytes = (bytes: Uint8Array) => Promise<void>;

/** What a table says of itself, by name. */
export type TableMetadata = Readonly<Record<string, string>>;

/** Writes rows as a table of some format. */
export interface TableWriter {
  write(rows: readonly DatasetRow[]): Promise<void>;
  /** Ends the table; a format that has room for them keeps the metadata. */
  finish(metadata: TableMetadata): Promise<void>;
}
