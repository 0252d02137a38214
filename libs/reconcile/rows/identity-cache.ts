import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { keySql } from '#libs/store/keys/statements.ts';

interface FoundRow {
  readonly kind: 'student' | 'course';
  readonly source_id: Uuid;
  readonly id: number;
}

/** Beyond this many, the cache starts afresh, so that memory stays bounded. */
const MOST_KNOWN = 200_000;

/**
 * Our integer ids for the source's students and courses, as text. They never change, so they can be cached; looking one up
 * never assigns one.
 */
export class IdentityCache {
  readonly #db: Queryable;
  #students = new Map<Uuid, string>();
  #courses = new Map<Uuid, string>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  student(id: Uuid): string | undefined {
    return this.#students.get(id);
  }

  course(id: Uuid): string | undefined {
    return this.#courses.get(id);
  }

  /** Looks up those not known yet. */
  async load(students: Iterable<Uuid>, courses: Iterable<Uuid>): Promise<void> {
    if (this.#students.size > MOST_KNOWN) this.#students = new Map();
    if (this.#courses.size > MOST_KNOWN) this.#courses = new Map();
    const newStudents = missing(students, this.#students);
    const newCourses = missing(courses, this.#courses);
    if (newStudents.length + newCourses.length === 0) return;
    const found = await this.#db.query<FoundRow>(keySql.identity_find, [newStudents, newCourses]);
    for (const { kind, source_id: sourceId, id } of found) {
      (kind === 'student' ? this.#students : this.#courses).set(sourceId, String(id));
    }
  }
}

function missing(wanted: Iterable<Uuid>, known: ReadonlyMap<Uuid, string>): Uuid[] {
  const missed = new Set<Uuid>();
  for (const id of wanted) if (!known.has(id)) missed.add(id);
  return [...missed];
}
