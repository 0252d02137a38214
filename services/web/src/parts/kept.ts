import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { placeFrom } from '../route.ts';

const kept = new Map<string, unknown>();

/** A state that is still there when its page is opened again; only a reload forgets it. */
export function useKept<A>(name: string, first: A): readonly [A, (next: A) => void] {
  const [value, setValue] = useState(kept.has(name) ? (kept.get(name) as A) : first);
  const keep = (next: A): void => {
    kept.set(name, next);
    setValue(next);
  };
  return [value, keep];
}

/** Where the page of a course was left for one of its students. */
let left: { readonly course: number; readonly top: number } | undefined;

/**
 * Who comes back from a student finds the page of the course where it was left, so that a long list can be gone through.
 * @param course 0 for the list of courses, from which every course begins at its top
 * @param isWhole whether there is something to scroll
 */
export function useReturn(course: number, isWhole: boolean): void {
  const top = useRef(left?.course === course ? left.top : 0);
  useEffect(() => {
    left = undefined;
    let seen = 0;
    // A browser may scroll to the top as soon as the address changes, before the page does.
    const note = (): void => {
      if (placeFrom(location.hash).page === 'course') seen = scrollY;
    };
    addEventListener('scroll', note);
    return () => {
      removeEventListener('scroll', note);
      const to = placeFrom(location.hash);
      if (to.page === 'student' && to.course === course) left = { course, top: seen };
    };
  }, []);
  useLayoutEffect(() => {
    if (isWhole && top.current > 0) scrollTo(0, top.current);
  }, [isWhole]);
}
