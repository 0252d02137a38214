import type { Loop } from '#libs/platform/loop/loop.ts';

/** A running role: what is wrong with it, if anything, and how to end it. */
export interface Role {
  /** One sentence for each thing that does not work at the moment. */
  troubles(): string[];
  stop(): Promise<void>;
}

export function roleOf(loops: readonly Loop[]): Role {
  return {
    troubles: () => loops.flatMap((loop) => (loop.trouble === null ? [] : [loop.trouble])),
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
