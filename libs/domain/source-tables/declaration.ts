import type { Family } from '../family.ts';

/**
 * How a needed column is carried from the source, whatever the transport. `numeric` and `integer` travel as their decimal
 * text (exact), `json` as JSON text, `timestamp` as `LocalMillis`. Which types of Postgres a column of a kind may have is in
 * `libs/source/types.ts`.
 */
export type ColumnKind = 'uuid' | 'text' | 'timestamp' | 'numeric' | 'integer' | 'json';

/** What holds of a table of the source. How its rows are read is in the file of its name in `libs/clean`. */
export interface SourceTableDeclaration {
  /**
   * Beside `id`, the columns that are needed, by the names that an LMSConnector gives them; all others stay at the source.
   * A table of keys has `student_id` and `course_id`, first.
   */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** The family that its rows are evidence for; null: they say who and what there is. */
  readonly family: Family | null;
  /** Which of its rows connectors copy anew with each sync, as a condition on their images; the others are never folded. */
  readonly copied: string | null;
  /** Its columns are what people are called, which no feature needs: DIRECTORY=off leaves them at the source. */
  readonly isDirectory?: true;
}
