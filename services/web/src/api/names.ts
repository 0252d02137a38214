import { useMemo } from 'preact/hooks';
import type { NamedStudent } from '#libs/serve/directory.ts';
import { t } from '../i18n/index.ts';
import { getAll } from './ask.ts';
import { useAnswer } from './use-answer.ts';

export type NameOf = (student: number) => string;

/** Names of a course's students; where they are not kept, or the token may not see them, a number stands for each. */
export function useNames(course: number): NameOf {
  const { data } = useAnswer(`names ${course}`, () => getAll<NamedStudent>(`/api/directory?course_id=${course}`));
  return useMemo(() => {
    const names = new Map(data?.map(({ student_id, name }) => [student_id, name]));
    return (student) => names.get(student) ?? t('student.pseudonym', { id: String(student) });
  }, [data]);
}

export const courseName = (course: { readonly course_id: number; readonly title: string | null }): string =>
  course.title ?? t('course.pseudonym', { id: String(course.course_id) });
