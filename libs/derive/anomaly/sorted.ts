/** Twice the median, which is the sum of the middle two for an even number of values. @param sorted at least one */
export function medianTimes2(sorted: readonly number[]): number {
  return (sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0);
}

/** The same for integers of any size. */
export function bigMedianTimes2(sorted: readonly bigint[]): bigint {
  return (sorted[(sorted.length - 1) >> 1] ?? 0n) + (sorted[sorted.length >> 1] ?? 0n);
}

export const sortBig = (values: readonly bigint[]): bigint[] =>
  [...values].sort((a, b) => (a < b ? -1 : Number(a > b)));

/** The first index at which `value` can be inserted. */
function placeOf(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Inserts a value in order. */
export function insertSorted(sorted: number[], value: number): void {
  let place = sorted.length;
  for (; place > 0 && (sorted[place - 1] ?? 0) > value; place -= 1) sorted[place] = sorted[place - 1] ?? 0;
  sorted[place] = value;
}

/** Removes one of the values equal to `value`, of which there must be one. */
export function removeSorted(sorted: number[], value: number): void {
  for (let index = placeOf(sorted, value) + 1; index < sorted.length; index += 1)
    sorted[index - 1] = sorted[index] ?? 0;
  sorted.pop();
}
