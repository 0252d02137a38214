import { comparePositions } from '#libs/domain/position.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { applyChange, type Image, type ImageChange, inheritColumns } from './image.ts';
import type { ImageTable } from './image-table.ts';

/** A change of one row in a batch being staged. */
export interface StagedChange extends ImageChange {
  /** Commit time at the source in milliseconds; null for a snapshot row. */
  readonly committedAt: number | null;
  /** The id that the row had until this change; null if it had this one. */
  readonly movedFrom: string | null;
}

/** The changes of one table in a batch, by row id, each row's in the order of {@link byPosition}. */
export type ChangesByRow = Map<string, StagedChange[]>;

/** The order in which the changes of one row apply: at equal positions a delete comes first. */
export const byPosition = (a: ImageChange, b: ImageChange): number =>
  comparePositions(a.position, b.position) || Number(a.live) - Number(b.live);

/**
 * Gives rows whose primary key changed, under their new id, what the source did not send again: a large `metadata` stored out
 * of line. It is read from the image of the old id, which keeps its contents in a move, and from that id's changes in the same
 * batch; so it does not matter whether the delete of the old id was staged before. If the delete was staged before older
 * changes of the row, these fill the old image when they arrive, and what they fill is handed on.
 * @param read how images of old ids are read: locked, if nobody may change them meanwhile
 */
export async function inheritMoved(
  tx: Queryable,
  images: ImageTable,
  rows: ChangesByRow,
  read: ImageTable['read'] = images.read,
): Promise<void> {
  const { needed } = images;
  const moves: { id: string; from: string; change: StagedChange }[] = [];
  for (const [id, changes] of rows) {
    for (const change of changes) {
      if (change.movedFrom === null || needed.every((name) => change.columns[name] !== undefined)) continue;
      moves.push({ id, from: change.movedFrom, change });
    }
  }
  if (moves.length === 0) return;
  const stored = await read(
    tx,
    moves.map(({ from }) => from),
  );
  // In order, so that a row that moves twice in one batch passes on what it inherited.
  moves.sort((a, b) => byPosition(a.change, b.change));
  for (const { id, from, change } of moves) {
    const old = imageUntil(change, stored.get(from), rows.get(from) ?? [], needed);
    const changes = rows.get(id);
    changes?.splice(changes.indexOf(change), 1, { ...change, ...inheritColumns(change, old) });
  }
}

/** The old id's image when the row left it; undefined if it has moved past that, because the id was used again. */
function imageUntil(
  move: StagedChange,
  stored: Image | undefined,
  changes: readonly StagedChange[],
  needed: readonly string[],
): Image | undefined {
  let image = stored;
  for (const change of changes) if (byPosition(change, move) < 0) image = applyChange(image, change, needed);
  return image !== undefined && comparePositions(image.position, move.position) <= 0 ? image : undefined;
}
