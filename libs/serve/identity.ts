import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { MAX_INTEGER } from './answers.ts';
import { NotFoundError } from './errors.ts';
import { sql } from './statements.ts';

/** A student or a course, with both ids. */
export interface Entity {
  readonly id: number;
  readonly source_id: Uuid;
}

/**
 * The student or course that `text` names, our integer or the source's UUID (the form is checked by `entityId`).
 * @throws NotFoundError when it was never seen
 */
export async function findEntity(db: Queryable, kind: 'student' | 'course', text: string): Promise<Entity> {
  const [found] = await lookUp(db, kind, text);
  if (found !== undefined) return found;
  throw entityNotFound(kind, text);
}

const LISTED_BY = {
  student: 'GET /api/students lists those with features',
  course: 'GET /api/courses lists those that there are',
} as const;

export const entityNotFound = (kind: 'student' | 'course', text: string): NotFoundError =>
  new NotFoundError(
    `there is no ${kind} ${text}`,
    `ids are our integers or the source's UUIDs; ${LISTED_BY[kind]}`,
    `${kind}_not_found`,
  );

/** The canonical form of an id; undefined for a number beyond our integers, which nobody has. */
export function canonicalId(text: string): string | undefined {
  if (text.includes('-')) return text.toLowerCase();
  const id = Number(text);
  return id > MAX_INTEGER ? undefined : String(id);
}

/**
 * The least and the greatest course_id asked for: one course, or all of them. As a range, both cases use the same statement
 * with the same plan.
 * @throws NotFoundError when the course was never seen
 */
export async function courseRange(db: Queryable, text: string | undefined): Promise<readonly [number, number]> {
  if (text === undefined) return [0, MAX_INTEGER];
  const { id } = await findEntity(db, 'course', text);
  return [id, id];
}

async function lookUp(db: Queryable, kind: 'student' | 'course', text: string): Promise<Entity[]> {
  const id = canonicalId(text);
  if (id === undefined) return [];
  return id.includes('-')
    ? db.query<Entity>(sql[`${kind}_by_source_id`], [id])
    : db.query<Entity>(sql[`${kind}_by_id`], [Number(id)]);
}
