import { useEffect, useState } from 'preact/hooks';

/** What is shown: `#/course/3/student/5`. */
export interface Place {
  readonly page: 'courses' | 'course' | 'student';
  readonly course: number;
  readonly student: number;
}

export const courseHref = (course: number): string => `/#/course/${course}`;
export const studentHref = (course: number, student: number): string => `${courseHref(course)}/student/${student}`;

export function placeFrom(hash: string): Place {
  const [, course = '0', student] = /^#\/course\/(\d+)(?:\/student\/(\d+))?/.exec(hash) ?? [];
  const ids = { course: Number(course), student: Number(student ?? 0) };
  if (student !== undefined) return { page: 'student', ...ids };
  return { page: course === '0' ? 'courses' : 'course', ...ids };
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return placeFrom(hash);
}
