/** Maps a value to a pixel position. */
export const scale =
  (from: number, to: number, start: number, end: number) =>
  (value: number): number =>
    from === to ? start : start + ((value - from) / (to - from)) * (end - start);

/** The path of a line, interrupted where values are unknown. */
export function pathOf(values: readonly (number | null)[], x: (i: number) => number, y: (v: number) => number): string {
  let isDown = false;
  let path = '';
  values.forEach((value, index) => {
    if (value !== null) path += `${isDown ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = value !== null;
  });
  return path;
}

/** The outline of a band between two lines, one piece for each run of days that have both. */
export function bandOf(
  pairs: readonly (readonly [low: number, high: number] | null)[],
  x: (i: number) => number,
  y: (v: number) => number,
): string {
  const pieces: string[] = [];
  let run: (readonly [number, number, number])[] = [];
  const close = (): void => {
    const point = ([i, value]: readonly [number, number]): string => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    const upper = run.map(([i, , high]) => point([i, high]));
    const lower = run.map(([i, low]) => point([i, low])).reverse();
    if (run.length > 0) pieces.push(`M${[...upper, ...lower].join('L')}Z`);
    run = [];
  };
  pairs.forEach((pair, index) => {
    if (pair === null) close();
    else run.push([index, pair[0], pair[1]]);
  });
  close();
  return pieces.join('');
}
