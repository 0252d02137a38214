import type { Uuid } from '#libs/domain/change.ts';
import { familyOf } from '#libs/domain/source-tables/index.ts';
import { imagesOf } from '#libs/store/images/stage.ts';
import { comparePiece, compareRows, type SameRow } from './compare.ts';
import type { TextConnection } from './connection.ts';
import { type RecheckParts, recheckRows } from './rechecks.ts';
import type { TableScope } from './scope.ts';
import type { SourceRead } from './source-reader.ts';
import type { TableEpoch } from './stream.ts';

export interface TableReconcileParts extends RecheckParts {
  readonly images: TextConnection;
  /** Rows read at a time, from either side. */
  readonly rangeRows: number;
  /** Called after each piece. */
  onPiece(): void;
}

/** Once there are this many rechecks, they are settled before more rows are compared. */
const MOST_RECHECKS = 2_000;

interface Range extends SourceRead {
  readonly tableEpoch: TableEpoch;
  readonly after: Uuid | null;
  /** Its last id; null: to the end of the table. */
  readonly upTo: Uuid | null;
  /** Resolves once the stream has passed the marker written after reading; false if it cannot. */
  readonly passed: Promise<boolean>;
}

/**
 * Compares one table with its images, range by range. While one range is compared, the next is read and the stream passes
 * its marker.
 */
export async function reconcileTable(parts: TableReconcileParts, scope: TableScope): Promise<void> {
  const { findings, ids } = parts;
  const { table } = scope;
  findings.begin(table);
  const reconciler = new TableReconciler(parts, scope, compareRows(table, ids));
  let reading = reconciler.read(null);
  for (;;) {
    const range = await reading;
    const ahead = range.upTo === null ? undefined : reconciler.read(range.upTo);
    // If this range is not compared to its end, nobody awaits the read-ahead.
    ahead?.catch(() => {});
    const rest = await reconciler.compare(range);
    await reconciler.settle(ahead === undefined);
    if (rest !== undefined) {
      await ahead?.catch(() => {});
      reading = reconciler.read(rest.from);
    } else if (ahead === undefined) return;
    else reading = ahead;
  }
}

class TableReconciler {
  readonly #parts: TableReconcileParts;
  readonly #scope: TableScope;
  readonly #same: SameRow;
  #toRecheck = new Map<Uuid, boolean>();

  constructor(parts: TableReconcileParts, scope: TableScope, same: SameRow) {
    this.#parts = parts;
    this.#scope = scope;
    this.#same = same;
  }

  async read(after: Uuid | null): Promise<Range> {
    const { marker, source, rangeRows } = this.#parts;
    const tableEpoch = await marker.tableEpoch(this.#scope.table);
    const read = await source.range(this.#scope, after, rangeRows);
    const isLast = read.rows.length < rangeRows;
    const passed = marker.pass(this.#scope.table, tableEpoch.epoch);
    // Awaited when its turn comes; until then its failure must not count as unhandled.
    passed.catch(() => {});
    return { ...read, tableEpoch, after, upTo: isLast ? null : (read.rows.at(-1)?.[0] ?? null), passed };
  }

  /** @returns undefined if the range was compared to its end; else from where on it is void and must be read again */
  async compare(range: Range): Promise<{ readonly from: Uuid | null } | undefined> {
    const { marker, findings, rangeRows, onPiece } = this.#parts;
    const { table } = this.#scope;
    await this.#learnIds(range);
    if (!(await range.passed)) return { from: range.after };
    // There may be many more images than rows: then the range is compared in pieces.
    let row = 0;
    for (let from = range.after; ; ) {
      const images = await this.#images(range, from);
      const isLast = images.length < rangeRows;
      const upTo = isLast ? range.upTo : (images.at(-1)?.[0] ?? null);
      const outcome = comparePiece(range, row, upTo, images, this.#same);
      // Asked after reading the images, so that whatever changed them shows.
      if (!(await marker.holds(table, range.tableEpoch))) return { from };
      findings.equal(table, outcome.equal);
      for (const [id, differs] of outcome.toRecheck) this.#toRecheck.set(id, differs);
      onPiece();
      if (isLast) return undefined;
      await this.settle(false);
      row = outcome.next;
      from = upTo;
    }
  }

  async settle(all: boolean): Promise<void> {
    if (this.#toRecheck.size === 0 || (!all && this.#toRecheck.size < MOST_RECHECKS)) return;
    const toRecheck = this.#toRecheck;
    this.#toRecheck = new Map();
    await recheckRows(this.#parts, this.#scope.table, toRecheck);
    this.#parts.onPiece();
  }

  #images({ tableEpoch, upTo }: Range, after: Uuid | null): Promise<readonly (readonly (string | null)[])[]> {
    const { images, rangeRows } = this.#parts;
    const { table, imageStudent, imageCourse } = this.#scope;
    const values = [after, upTo, tableEpoch.epoch, rangeRows, imageStudent, imageCourse];
    return images.alone(() => images.rows(imagesOf(table).range.text, values));
  }

  async #learnIds({ rows }: Range): Promise<void> {
    const { ids } = this.#parts;
    if (familyOf(this.#scope.table) === null) return;
    // In each table of keys, the first two needed columns are the student and the course.
    await ids.load(column(rows, 1), column(rows, 2));
  }
}

function* column(rows: SourceRead['rows'], index: number): Generator<string> {
  for (const row of rows) {
    const value = row[index];
    if (typeof value === 'string') yield value;
  }
}
