import type { Family } from '#libs/domain/family.ts';
import { FEATURE_SET } from '#libs/features/index.ts';

/** A feature row as it is now. */
export interface ChangedRow {
  readonly family: Family;
  readonly student_id: number;
  readonly course_id: number;
  readonly row_version: bigint;
  readonly features: Readonly<Record<string, unknown>>;
}

/** One changed key. */
export interface FeatureEvent {
  readonly family: Family;
  readonly student_id: number;
  readonly course_id: number;
  readonly row_version: number;
  /** Null: unknown, since the row was not remembered. */
  readonly columns: readonly string[] | null;
}

/** Most rows remembered; each takes a kilobyte or two. */
const MOST_ROWS = 5_000;

/** Remembers rows as they were last told of, to know next time whether one has changed, and in which columns. */
export class ToldRows {
  readonly #told = new Map<string, ChangedRow>();

  /**
   * For each student the rows that changed, and those not remembered, since they may have changed. If there are none, all of
   * the student's rows: something was announced, such as that the day has moved on.
   */
  newsOf(rows: readonly ChangedRow[]): FeatureEvent[] {
    const byStudent = new Map<number, ChangedRow[]>();
    for (const row of rows) byStudent.set(row.student_id, [...(byStudent.get(row.student_id) ?? []), row]);
    const news: FeatureEvent[] = [];
    for (const own of byStudent.values()) {
      const changed = own.filter((row) => this.#isNew(row));
      for (const row of changed.length > 0 ? changed : own) news.push(this.#tell(row));
    }
    return news;
  }

  #isNew(row: ChangedRow): boolean {
    const before = this.#told.get(nameOf(row));
    return before?.row_version !== row.row_version;
  }

  #tell(row: ChangedRow): FeatureEvent {
    const name = nameOf(row);
    const before = this.#told.get(name);
    this.#told.delete(name);
    this.#told.set(name, row);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MOST_ROWS && oldest !== undefined) this.#told.delete(oldest);
    const { family, student_id, course_id, row_version } = row;
    return {
      family,
      student_id,
      course_id,
      row_version: Number(row_version),
      columns: before === undefined ? null : differing(family, before.features, row.features),
    };
  }
}

const nameOf = ({ family, student_id, course_id }: ChangedRow): string => `${family} ${student_id} ${course_id}`;

const differing = (family: Family, one: ChangedRow['features'], other: ChangedRow['features']): string[] =>
  Object.keys(FEATURE_SET[`${family}_features`]).filter(
    (name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]),
  );
