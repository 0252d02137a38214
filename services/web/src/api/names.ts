import { useEffect, useMemo } from 'preact/hooks';
import type { ListedCourse } from '#libs/serve/courses.ts';
import type { NamedStudent } from '#libs/serve/directory.ts';
import { t } from '../i18n/index.ts';
import { get, getAll, Refusal } from './ask.ts';
import { useAnswer } from './use-answer.ts';

export type NameOf = (student: number) => string;

interface Names {
  readonly nameOf: NameOf;
  readonly error: Error | undefined;
  /** Whether the names are known, or known to be unavailable. */
  readonly isRead: boolean;
}

/**
 * Names of a course's students; a number stands for each if names are not kept or the token may not see them.
 * @param shown students on the page: names are only read again when there is a new student, not at each change
 */
export function useNames(course: number, shown: readonly { readonly student_id: number }[]): Names {
  const { data, error, isRead, again } = useAnswer(`names ${course}`, () =>
    getAll<NamedStudent>(`/api/directory?course_id=${course}`),
  );
  const names = useMemo(() => data && new Map(data.map(({ student_id, name }) => [student_id, name])), [data]);
  const strangers = names === undefined ? [] : shown.filter(({ student_id }) => !names.has(student_id));
  const wanted = strangers.map(({ student_id }) => student_id).join();
  useEffect(() => {
    if (wanted !== '') again();
  }, [wanted]);
  const nameOf = useMemo(
    () => (student: number) => names?.get(student) ?? t('student.pseudonym', { id: String(student) }),
    [names],
  );
  return { nameOf, error: mayNotSee(error) ? undefined : error, isRead };
}

const mayNotSee = (error: Error | undefined): boolean => error instanceof Refusal && error.status === 403;

/** One course or none: the source has it no more, and it has no students. */
export const readCourse = (course: number): Promise<ListedCourse[]> => get(`/api/courses?course_id=${course}`);

export const courseName = (course: { readonly course_id: number; readonly title: string | null }): string =>
  course.title ?? t('course.pseudonym', { id: String(course.course_id) });
