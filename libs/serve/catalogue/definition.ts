/** What a value is counted in, and how many decimals it is rounded to. Says how the value is served, too. */
export type Unit =
  | 'count'
  | 'days'
  | 'seconds'
  | 'days a week, 2 decimals'
  | 'percent, 2 decimals'
  | 'points of 100, 2 decimals'
  | 'points a day, 6 decimals'
  | 'points per 30 days, 6 decimals'
  | 'days times bits, 6 decimals'
  | 'days, 6 decimals'
  | '0 to 1, 6 decimals'
  | 'shares by weekday, 4 decimals'
  | 'instant'
  | 'true or false'
  | 'course or site'
  | 'recorded or estimated'
  | 'the four components'
  | 'flag'
  | 'sorted names of flags';

/** The whole local days that a value is made of; they end on the day that the row speaks for. `ever`: all up to it. */
export type Window = 'ever' | 'that day' | '7 days' | '28 days' | '30 days' | '35 days' | '56 days';

/** How far two computations of the same rows may differ: only what goes through a logarithm or a square root may at all. */
export type Exactness = 'exact' | 'at most 1e-6';

/** What one feature column means; its name and table are where it stands. */
export interface Definition {
  readonly unit: Unit;
  readonly window: Window;
  /** One sentence. */
  readonly formula: string;
  /** Goes on after "null when"; absent: never null in a row of its table. */
  readonly nullWhen?: string;
  readonly exactness: Exactness;
  /** The source rows that it is made of: the table, and which of its rows. */
  readonly from: string;
}

/** The definitions of one table, in the order of its columns. */
export type Definitions = Readonly<Record<string, Definition>>;

/** What every course may or may not collect: without it a 0 would be made up. */
export const unseen = (what: string): string => `nobody in the course had ${what} by then`;
