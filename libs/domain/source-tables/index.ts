import { FAMILIES, type Family } from '../family.ts';
import { ACTIVITY_LOGS } from './activity-logs.ts';
import { COURSES } from './courses.ts';
import type { ColumnKind, SourceTableDeclaration } from './declaration.ts';
import { ENROLLMENTS } from './enrollments.ts';
import { GRADES } from './grades.ts';
import { STUDENTS } from './students.ts';

/** By name, parents before children. Locks are numbered by position in this list: a new table goes to the end. */
const DECLARATIONS = {
  students: STUDENTS,
  courses: COURSES,
  enrollments: ENROLLMENTS,
  grades: GRADES,
  activity_logs: ACTIVITY_LOGS,
} as const satisfies Record<string, SourceTableDeclaration>;

export type SourceTable = keyof typeof DECLARATIONS;
/** The tables of an LMSConnector that are read, by its names for them. */
export const SOURCE_TABLES = Object.keys(DECLARATIONS) as readonly SourceTable[];

/** The kinds of the needed columns of one table. */
export type ColumnKinds<T extends SourceTable> = (typeof DECLARATIONS)[T]['columns'];

/** Tables whose rows belong to a student in a course. */
export type TableOfKeys = {
  [T in SourceTable]: ColumnKinds<T> extends { student_id: 'uuid'; course_id: 'uuid' } ? T : never;
}[SourceTable];

/** The name and kind of one needed column. */
export interface NeededColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

const columnsByTable = new Map<SourceTable, readonly NeededColumn[]>(
  SOURCE_TABLES.map((table) => [
    table,
    Object.entries(DECLARATIONS[table].columns).map(([name, kind]) => ({ name, kind })),
  ]),
);

/** The needed columns of a table, in a fixed order, without `id`. */
export const neededColumns = (table: SourceTable): readonly NeededColumn[] => columnsByTable.get(table) ?? [];

/** The family that a table's rows are evidence for; null: they give identity only. */
export const familyOf = (table: SourceTable): Family | null => DECLARATIONS[table].family;

/** The tables whose rows are evidence for a family; for null, those that give identity only. */
export const tablesOf = (family: Family | null): readonly SourceTable[] =>
  SOURCE_TABLES.filter((table) => familyOf(table) === family);

/** The families that source rows are evidence for; the others follow from what these store. */
export const ROW_FAMILIES: readonly Family[] = FAMILIES.filter((family) => tablesOf(family).length > 0);

/** See {@link SourceTableDeclaration.isDirectory}. */
export const isOfDirectory = (table: SourceTable): boolean => 'isDirectory' in DECLARATIONS[table];

/** See {@link SourceTableDeclaration.copied}. */
export const copiedRowsOf = (table: TableOfKeys): string => DECLARATIONS[table].copied;
