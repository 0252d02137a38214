import { useEffect, useRef, useState } from 'preact/hooks';
import { isAway, Refusal } from './ask.ts';
import { onNews } from './live.ts';

/** What is known of an answer. Data stays while it is read again or if that fails, unless access was refused. */
export interface Answered<A> {
  readonly data: A | undefined;
  readonly error: Error | undefined;
}

export interface Read<A> extends Answered<A> {
  /** Whether it is known, or known to be unavailable. */
  readonly isRead: boolean;
  /** Reads it again. */
  again(): void;
}

/** The pause before it is read again, as a multiple of the time that reading took: what is slow shall not keep the server busy. */
const RESTS = 2;
/** Milliseconds between attempts while the server is away. */
const AGAIN_MS = 3_000;

/**
 * Reads when the page opens, when the key changes, and when something in the course has changed.
 * @param key identifies what is read; `read` must depend on nothing else
 * @param news the course whose changes it follows; null: none
 */
export function useAnswer<A>(key: string, read: () => Promise<A>, news: number | 'all' | null = null): Read<A> {
  const [state, setState] = useState<Answered<A> & { readonly key: string }>({
    key,
    data: undefined,
    error: undefined,
  });
  const again = useRef(() => {});
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReading = false;
    let isOld = false;
    // A change during a read is read after it: if the read were restarted, it would never end where much changes.
    const look = (): void => {
      isOld = isReading;
      if (isReading) return;
      clearTimeout(timer);
      isReading = true;
      const askedAt = performance.now();
      read()
        .then(
          (data) => !isOver && setState({ key, data, error: undefined }),
          (error: Error) => {
            if (isOver) return;
            const mayStay = !(error instanceof Refusal && (error.status === 401 || error.status === 403));
            setState((old) => ({ key, data: mayStay && old.key === key ? old.data : undefined, error }));
            if (isAway(error)) timer = setTimeout(look, AGAIN_MS);
          },
        )
        .finally(() =>
          setTimeout(
            () => {
              isReading = false;
              if (isOld && !isOver) look();
            },
            RESTS * (performance.now() - askedAt),
          ),
        );
    };
    again.current = look;
    look();
    const forget = news === null ? undefined : onNews(news, look);
    return () => {
      isOver = true;
      clearTimeout(timer);
      forget?.();
    };
  }, [key]);
  const answered = state.key === key ? state : { data: undefined, error: undefined };
  const isRead = answered.data !== undefined || answered.error !== undefined;
  return { ...answered, isRead, again: () => again.current() };
}
