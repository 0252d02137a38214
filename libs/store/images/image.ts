import { comparePositions, type Position } from '#libs/domain/position.ts';

export type ImageValue = string | number | null;
export type ImageColumns = Readonly<Record<string, ImageValue>>;

/** Our copy of one source row's needed columns, unconverted, with the position of the change that wrote it. */
export interface Image {
  readonly position: Position;
  /**
   * The low 32 bits of the source transaction that wrote this image; null if none is known: for rows of a snapshot, and rows
   * that a snapshot swept away.
   */
  readonly xid: number | null;
  /** False: a tombstone, kept so that an older change arriving late is refused. */
  readonly live: boolean;
  readonly columns: ImageColumns;
  /**
   * For each column that the last change did not carry (unchanged, stored out of line): the position its value comes from,
   * under this id or the row's previous one. Null if the last change carried all columns. The tombstone of a row that moved
   * to another id has all its columns here: they are what the row had until then, and an older change arriving late may bring
   * later values.
   */
  readonly toast: Readonly<Record<string, Position>> | null;
}

/** A change of one row, to be applied to its image: a delete has no columns, an update may lack some. */
export interface ImageChange {
  readonly position: Position;
  /** See {@link Image.xid}. */
  readonly xid: number | null;
  readonly live: boolean;
  readonly columns: ImageColumns;
  /** For a delete: the row goes on under another id, so the tombstone keeps what only it knows. */
  readonly moved?: boolean;
  /** For a row that had another id before: the positions of the values that come from there. */
  readonly inherited?: Readonly<Record<string, Position>>;
}

/** Before every position: the column was never seen. */
const NEVER: Position = { epoch: -1, lsn: 0n };

/**
 * The guard: returns the image after a change. Only a change with a greater position applies (at equal positions a delete
 * ranks lowest); an older one at most fills columns that the newer one could not carry. So the image depends on the set of
 * changes seen, not on their order or number.
 * @param needed names of the table's needed columns
 * @returns the same object as `image` if nothing changes
 */
export function applyChange(image: Image | undefined, change: ImageChange, needed: readonly string[]): Image {
  if (image === undefined || isNewer(change, image)) return replaceImage(image, change, needed);
  return fillImage(image, change);
}

function isNewer(change: ImageChange, image: Image): boolean {
  const order = comparePositions(change.position, image.position);
  return order > 0 || (order === 0 && change.live && !image.live);
}

function replaceImage(image: Image | undefined, change: ImageChange, needed: readonly string[]): Image {
  const columns: Record<string, ImageValue> = {};
  const toast: Record<string, Position> = {};
  for (const name of needed) {
    const value = change.columns[name];
    if (!change.live && change.moved !== true) columns[name] = null;
    else if (change.live && value !== undefined) {
      columns[name] = value;
      const from = change.inherited?.[name];
      if (from !== undefined) toast[name] = from;
    } else {
      columns[name] = image?.live ? (image.columns[name] ?? null) : null;
      toast[name] = image?.live ? (image.toast?.[name] ?? image.position) : NEVER;
    }
  }
  const { position, xid, live } = change;
  return { position, xid, live, columns, toast: Object.keys(toast).length > 0 ? toast : null };
}

/** Fills in columns from an older change that the image's own change lacked, unless a later one has filled them. */
function fillImage(image: Image, change: ImageChange): Image {
  if (image.toast === null || !change.live) return image;
  const columns: Record<string, ImageValue> = {};
  const toast: Record<string, Position> = {};
  for (const [name, from] of Object.entries(image.toast)) {
    const value = change.columns[name];
    const position = change.inherited?.[name] ?? change.position;
    if (value === undefined || comparePositions(position, from) <= 0) continue;
    columns[name] = value;
    toast[name] = position;
  }
  if (Object.keys(columns).length === 0) return image;
  return { ...image, columns: { ...image.columns, ...columns }, toast: { ...image.toast, ...toast } };
}

/**
 * The change of a row that goes on under another id: columns that the source did not send (unchanged, stored out of line)
 * are taken from the old id's image. Columns which that image did not know stay absent.
 */
export function inheritColumns(change: ImageChange, old: Image | undefined): ImageChange {
  if (old === undefined) return change;
  const columns = { ...change.columns };
  const inherited: Record<string, Position> = {};
  for (const [name, value] of Object.entries(old.columns)) {
    const from = old.toast?.[name] ?? old.position;
    if (from.epoch === NEVER.epoch || columns[name] !== undefined) continue;
    columns[name] = value;
    inherited[name] = from;
  }
  return { ...change, columns, inherited };
}

/** Whether both have the same contents, so that nothing derived from them can differ. */
export function sameContents(a: Image, b: Image): boolean {
  if (a.live !== b.live) return false;
  return Object.keys(b.columns).every((name) => (a.columns[name] ?? null) === (b.columns[name] ?? null));
}
