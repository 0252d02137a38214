import type { Family } from '../family.ts';

/**
 * How a needed column is carried from the source, whatever the transport. `numeric` and `integer` travel as decimal text
 * (exact), `json` as JSON text, `timestamp` as `LocalMillis`. `libs/source/types.ts` lists the Postgres types that a column
 * of each kind may have.
 */
export type ColumnKind = 'uuid' | 'text' | 'timestamp' | 'numeric' | 'integer' | 'json';

/** What is known about a source table. The file of its name in `libs/clean` reads its rows. */
export interface SourceTableDeclaration {
  /**
   * The columns needed besides `id`, by an LMSConnector's names for them; all others stay at the source. In a table of keys,
   * `student_id` and `course_id` come first.
   */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** The family that its rows are evidence for; null: they only say which students and courses exist. */
  readonly family: Family | null;
  /** A condition on images for the rows that connectors copy again with each sync; other rows are never folded. */
  readonly copied: string | null;
  /** Its columns are names and titles, which no feature needs: DIRECTORY=off leaves them at the source. */
  readonly isDirectory?: true;
}
