import { type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import { parseScaled, roundRatio } from '#libs/domain/rational.ts';

/* Parts as a reader of their JSON sees them. */

// biome-ignore lint/suspicious/noExplicitAny: parts are JSON, and each column's are others.
export type Shown = any;
export type Recompute = (parts: Shown) => unknown;

export const covered =
  (value: Recompute): Recompute =>
  (parts) =>
    parts.covered ? value(parts) : null;

export const daysOf = (runs: Shown): LocalDay[] =>
  runs.flatMap(({ from, to }: Shown) =>
    Array.from({ length: parseDay(to) - parseDay(from) + 1 }, (_, n) => parseDay(from) + n),
  );
export const lengths = (runs: Shown): number[] => runs.map(({ from, to }: Shown) => parseDay(to) - parseDay(from) + 1);
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const big = (text: string | number, decimals: number): bigint => parseScaled(String(text), decimals) ?? 0n;
export const percentOf = (part: number, whole: number): string | null =>
  whole === 0 ? null : roundRatio(100n * BigInt(part), BigInt(whole), 2);
export const median = (sorted: readonly number[]): number =>
  ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
export const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
/** Rounds half away from zero. */
export const hundredths = (value: number): number => Number(roundRatio(BigInt(Math.round(value * 1e6)), 1_000_000n, 2));
