import type { Uuid } from '#libs/domain/change.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { keySql } from './statements.ts';

/** Maps source ids to the integers that all our tables use. */
export interface Identities {
  /** @throws Error for an erased student */
  student(id: Uuid): number;
  course(id: Uuid): number;
}

interface FoundRow {
  readonly kind: 'student' | 'course';
  readonly source_id: Uuid;
  readonly id: number;
}

/**
 * The integers of these source ids, assigned when an id is first seen. They are looked up first, and only missing ones are
 * inserted, in order, in a transaction of their own: an `ON CONFLICT DO NOTHING` each time would burn ids and deadlock.
 * Erased students get none.
 */
export async function resolveIds(
  db: Database,
  students: ReadonlySet<Uuid>,
  courses: ReadonlySet<Uuid>,
): Promise<Identities> {
  const maps = { student: new Map<Uuid, number>(), course: new Map<Uuid, number>() };
  if (students.size + courses.size > 0) {
    await find(db, maps, students, courses);
    const newStudents = [...students].filter((id) => !maps.student.has(id));
    const newCourses = [...courses].filter((id) => !maps.course.has(id));
    if (newStudents.length > 0) await db.query(keySql.identity_add_students, [newStudents]);
    if (newCourses.length > 0) await db.query(keySql.identity_add_courses, [newCourses]);
    if (newStudents.length + newCourses.length > 0) await find(db, maps, new Set(newStudents), new Set(newCourses));
  }
  const lookUp = (map: ReadonlyMap<Uuid, number>, id: Uuid): number => {
    const found = map.get(id);
    if (found === undefined) throw new Error(`${id} was not identified`);
    return found;
  };
  return { student: (id) => lookUp(maps.student, id), course: (id) => lookUp(maps.course, id) };
}

async function find(
  db: Database,
  maps: Record<'student' | 'course', Map<Uuid, number>>,
  students: ReadonlySet<Uuid>,
  courses: ReadonlySet<Uuid>,
): Promise<void> {
  const rows = await db.query<FoundRow>(keySql.identity_find, [[...students], [...courses]]);
  for (const row of rows) maps[row.kind].set(row.source_id, row.id);
}
