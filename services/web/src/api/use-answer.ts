import { useEffect, useRef, useState } from 'preact/hooks';
import { Refusal, Unreachable } from './ask.ts';
import { onNews } from './live.ts';

/** What is known of an answer. What was read stays while it is read again, and when that fails; not for who may not see it. */
export interface Answered<A> {
  readonly data: A | undefined;
  readonly error: Error | undefined;
}

export interface Read<A> extends Answered<A> {
  /** Reads it again. */
  again(): void;
}

/** Whoever is away is asked again so often. Milliseconds. */
const AGAIN_MS = 3_000;

/**
 * Reads when the page opens, when the key changes, and when something of the course changed.
 * @param key what is read, as text; what it reads is a function of it alone
 * @param news which course's changes it follows; null: none
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
    // What changes while an answer is on its way is read when that has come: else one would never come where much changes.
    const look = (): void => {
      isOld = isReading;
      if (isReading) return;
      clearTimeout(timer);
      isReading = true;
      read()
        .then(
          (data) => !isOver && setState({ key, data, error: undefined }),
          (error: Error) => {
            if (isOver) return;
            const mayStay = !(error instanceof Refusal && (error.status === 401 || error.status === 403));
            setState((old) => ({ key, data: mayStay && old.key === key ? old.data : undefined, error }));
            if (error instanceof Unreachable || isAway(error)) timer = setTimeout(look, AGAIN_MS);
          },
        )
        .finally(() => {
          isReading = false;
          if (isOld && !isOver) look();
        });
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
  return { ...answered, again: () => again.current() };
}

/** The database behind the server is. */
const isAway = (error: Error): boolean => 'status' in error && (error.status === 503 || error.status === 429);
