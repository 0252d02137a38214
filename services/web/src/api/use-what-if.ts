import { useEffect, useRef, useState } from 'preact/hooks';
import type { WhatIf } from '#libs/explain/what-if.ts';
import { get, isAway, Refusal } from './ask.ts';

/** Waits until a slider has come to rest. Milliseconds. */
const STILL_MS = 300;
const AGAIN_MS = 1_000;

export interface WhatIfAnswered {
  /** The latest answer; it says itself what it is about. */
  readonly data: WhatIf | undefined;
  readonly error: Error | undefined;
  /** A newer question is on its way, or waits for its turn. */
  readonly isAsking: boolean;
}

/** Asks when the question has not changed for a moment. The last one wins: earlier requests are cancelled. */
export function useWhatIf(path: string): WhatIfAnswered {
  const [state, setState] = useState<WhatIfAnswered>({ data: undefined, error: undefined, isAsking: true });
  const isFirst = useRef(true);
  useEffect(() => {
    const calledOff = new AbortController();
    const { signal } = calledOff;
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      get<WhatIf>(path, { signal }).then(
        (data) => !signal.aborted && setState({ data, error: undefined, isAsking: false }),
        (error: Error) => {
          if (signal.aborted) return;
          // Judging a class takes a core, so requests take turns; this one tries again.
          if (!isBusy(error)) setState(({ data }) => ({ data, error, isAsking: false }));
          if (isBusy(error) || isAway(error)) timer = setTimeout(look, AGAIN_MS);
        },
      );
    };
    setState(({ data }) => ({ data, error: undefined, isAsking: true }));
    timer = setTimeout(look, isFirst.current ? 0 : STILL_MS);
    isFirst.current = false;
    return () => {
      clearTimeout(timer);
      calledOff.abort();
    };
  }, [path]);
  return state;
}

const isBusy = (error: Error): boolean => error instanceof Refusal && error.code === 'busy';
