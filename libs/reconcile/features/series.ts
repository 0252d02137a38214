import { isDeepStrictEqual } from 'node:util';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { arrayText } from '#libs/store/arrays.ts';
import type { SeriesColumns, SeriesOf, StoredSeries } from '#libs/store/features/series-table.ts';
import { type Discrepancy, KINDS } from '../verdict.ts';
import { arrayElements } from './values.ts';

/** The days to compare, both ends inclusive; an absent end does not limit them. */
export interface DayRange {
  readonly from?: LocalDay;
  readonly to?: LocalDay;
}

interface Days {
  readonly firstDay: LocalDay;
  readonly elements: readonly string[];
}

/** Compares a key's series day by day: what it should be with what is stored. */
export class SeriesComparison {
  readonly equal = new Map<string, number>();
  readonly findings: Discrepancy[] = [];
  readonly #key: string;
  readonly #range: DayRange;

  constructor(key: string, range: DayRange) {
    this.#key = key;
    this.#range = range;
  }

  compare<C extends SeriesColumns>(
    table: string,
    columns: C,
    wanted: SeriesOf<C> | null,
    stored: StoredSeries | undefined,
  ): void {
    for (const [index, [column, type]] of Object.entries(columns).entries()) {
      const where = `${table}.${column}`;
      const found = stored?.texts[column] ?? null;
      const values = wanted?.[column] as readonly unknown[] | undefined;
      if (type === 'jsonb') {
        this.#document(where, values ?? null, found);
        continue;
      }
      const days = values as readonly (number | null)[] | undefined;
      const text = days === undefined ? null : arrayText(days);
      if (text !== null && text === found && wanted?.firstDay === stored?.firstDay)
        this.equal.set(where, this.#within(wanted?.firstDay ?? 0, days?.length ?? 0).length);
      else this.#differing(where, toDays(wanted?.firstDay, text), toDays(stored?.firstDay, found), index === 0);
    }
  }

  /** A document stored beside the days counts as one value. */
  #document(where: string, wanted: readonly unknown[] | null, found: string | null): void {
    // A range of days does not include it.
    const isNarrowed = this.#range.from !== undefined || this.#range.to !== undefined;
    if (isNarrowed || (wanted === null && found === null)) return;
    if (wanted !== null && found !== null && isDeepStrictEqual(wanted, JSON.parse(found))) {
      this.equal.set(where, 1);
      return;
    }
    const deviation = found === null ? 'missing' : wanted === null ? 'extra' : 'mismatched';
    const expected = wanted === null ? null : JSON.stringify(wanted);
    const example = deviation === 'mismatched' ? { kind: KINDS.differs, key: this.#key, expected, found } : null;
    this.findings.push({ where, deviation, count: 1, example });
  }

  #differing(where: string, expected: Days | null, found: Days | null, isFirst: boolean): void {
    if (expected !== null && found !== null) this.#dayByDay(where, expected, found);
    else if (expected !== null) this.#whole(where, 'missing', expected, isFirst);
    else if (found !== null) this.#whole(where, 'extra', found, isFirst);
  }

  /** Notes a series that exists on one side only. */
  #whole(where: string, deviation: 'missing' | 'extra', there: Days, isFirst: boolean): void {
    const days = this.#within(there.firstDay, there.elements.length);
    if (days.length === 0) return;
    const said = `a series of ${days.length} days`;
    const [kind, expected, found] = deviation === 'missing' ? [KINDS.missed, said, null] : [KINDS.extra, null, said];
    const example = isFirst ? { kind, key: this.#key, expected, found } : null;
    this.findings.push({ where, deviation, count: days.length, example });
  }

  #dayByDay(where: string, expected: Days, found: Days): void {
    let equal = 0;
    for (const day of union(this.#daysOf(expected), this.#daysOf(found))) {
      const wanted = expected.elements[day - expected.firstDay];
      const stored = found.elements[day - found.firstDay];
      if (wanted === stored) {
        equal += 1;
        continue;
      }
      const deviation = stored === undefined ? 'missing' : wanted === undefined ? 'extra' : 'mismatched';
      const kind = { missing: KINDS.missed, extra: KINDS.extra, mismatched: KINDS.differs }[deviation];
      const key = `${this.#key}/${formatDay(day)}`;
      const example = { kind, key, expected: textOf(wanted), found: textOf(stored) };
      this.findings.push({ where, deviation, count: 1, example });
    }
    this.equal.set(where, equal);
  }

  #daysOf({ firstDay, elements }: Days): LocalDay[] {
    return this.#within(firstDay, elements.length);
  }

  #within(firstDay: LocalDay, length: number): LocalDay[] {
    const { from = firstDay, to = firstDay + length - 1 } = this.#range;
    const first = Math.max(firstDay, from);
    const last = Math.min(firstDay + length - 1, to);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);
  }
}

const toDays = (firstDay: LocalDay | undefined, text: string | null): Days | null =>
  firstDay === undefined || text === null ? null : { firstDay, elements: arrayElements(text) };

const union = (a: readonly LocalDay[], b: readonly LocalDay[]): LocalDay[] =>
  [...new Set([...a, ...b])].sort((x, y) => x - y);

const textOf = (element: string | undefined): string | null =>
  element === undefined ? null : element === 'NULL' ? 'null' : element;
