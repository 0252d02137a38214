import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The width of a chart in pixels, measured so that its text keeps its size on a phone. */
export function useWidth(least = 280) {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = (): void => setWidth(Math.max(least, Math.floor(element.clientWidth)));
    const observer = new ResizeObserver(measure);
    measure();
    observer.observe(element);
    return () => observer.disconnect();
  }, [least]);
  return { ref, width } as const;
}
