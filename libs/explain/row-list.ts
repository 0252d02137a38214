import { ACTIVITY_RULES } from '#libs/aggregate/completions.ts';
import { ENROLMENT_RULES } from '#libs/aggregate/engagement.ts';
import { eventKey } from '#libs/aggregate/events.ts';
import type { FoldRules } from '#libs/aggregate/folded-rows.ts';
import { GRADE_RULES } from '#libs/aggregate/grades.ts';
import { GRADE_DECIMALS } from '#libs/clean/grades.ts';
import { isRejected, REJECTION_REASONS } from '#libs/clean/rejection.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { formatScaled } from '#libs/domain/rational.ts';
import type { Definition } from '#libs/features/definition.ts';
import { firstDayOfWindow, type Selection, selectionOf } from './selection.ts';
import type { Observations, ReadTable, RowRead, SourceRows } from './source-rows.ts';

/** A row as it is listed. */
interface ListedRow {
  readonly table: ReadTable;
  readonly id: string;
  readonly at: string | null;
  readonly day: string | null;
  readonly read_as: Readonly<Record<string, unknown>>;
}

interface RowLeftOut {
  readonly table: ReadTable;
  readonly id: string;
  readonly at: string | null;
  readonly reason: 'rejected' | 'after_as_of' | 'duplicate' | 'superseded';
  /** In words. */
  readonly why: string;
  /** The row that counts in its place. */
  readonly of: string | null;
}

interface Listed<R> {
  readonly count: number;
  /** The latest first, {@link MOST_LISTED} at most. */
  readonly listed: readonly R[];
}

export interface RowLists {
  readonly rows: Listed<ListedRow>;
  readonly left_out: Listed<RowLeftOut>;
}

export const MOST_LISTED = 200;

/** Up to which days rows count: enrolments up to today, all others up to as-of. */
interface Days {
  readonly today: LocalDay;
  readonly asOf: LocalDay;
}

/** The rows that a feature is based on, and those of the same kind that were left out. */
export function listRows(source: SourceRows, definition: Definition, { today, asOf }: Days): RowLists {
  const selection = selectionOf(definition);
  const first = firstDayOfWindow(definition, asOf);
  const tables = Object.values({
    enrollments: rowsOf(
      'enrollments',
      source,
      selection,
      { until: today, first: Number.NEGATIVE_INFINITY },
      repeats(ENROLMENT_RULES),
    ),
    activity_logs: rowsOf('activity_logs', source, selection, { until: asOf, first }, standForActivity),
    grades: rowsOf('grades', source, selection, { until: asOf, first }, standForGrade),
  } satisfies Record<ReadTable, unknown>);
  return { rows: cut(tables.flatMap(({ rows }) => rows)), left_out: cut(tables.flatMap(({ out }) => out)) };
}

function cut<R extends { readonly at: string | null }>(rows: R[]): Listed<R> {
  const latestFirst = rows.sort((a, b) => (a.at === b.at ? 0 : (a.at ?? '') < (b.at ?? '') ? 1 : -1));
  return { count: rows.length, listed: latestFirst.slice(0, MOST_LISTED) };
}

interface Span {
  readonly first: LocalDay;
  readonly until: LocalDay;
}

/** Why a readable row does not count: another row of its subject counts instead. */
interface StandIn {
  readonly of: string;
  readonly reason: 'duplicate' | 'superseded';
}

interface Readable<O> {
  readonly id: string;
  readonly read: O;
}

/** Tells, of the given rows, which are represented by which others. */
type StandFor<O> = (rows: readonly Readable<O>[]) => ReadonlyMap<string, StandIn>;

const WHY = {
  after_as_of: 'dated after the day that the features speak for',
  duplicate: 'says what another row has said',
  superseded: 'another row of the same item says otherwise, and later',
} as const;

function rowsOf<T extends ReadTable>(
  table: T,
  source: SourceRows,
  selection: Selection,
  { first, until }: Span,
  standFor: StandFor<Observations[T]>,
): { rows: ListedRow[]; out: RowLeftOut[] } {
  const isOf = selection[table] as ((row: Observations[T]) => boolean) | undefined;
  const [rows, out]: [ListedRow[], RowLeftOut[]] = [[], []];
  if (isOf === undefined) return { rows, out };
  const all = source[table] as readonly RowRead<Observations[T]>[];
  const seen: Readable<Observations[T]>[] = [];
  for (const { id, read } of all) {
    if (isRejected(read)) {
      const why = `${read.rejected}: ${REJECTION_REASONS[read.rejected]}`;
      out.push({ table, id, at: null, reason: 'rejected', why, of: null });
    } else if (!isOf(read)) continue;
    else if ((read.day ?? until) > until)
      out.push({ table, id, at: timeOf(read.at), reason: 'after_as_of', why: WHY.after_as_of, of: null });
    else seen.push({ id, read });
  }
  const standIns = standFor(seen);
  for (const { id, read } of seen) {
    if ((read.day ?? first) < first) continue;
    const standIn = standIns.get(id);
    const at = timeOf(read.at);
    if (standIn !== undefined) out.push({ table, id, at, ...standIn, why: WHY[standIn.reason] });
    else rows.push({ table, id, at, day: read.day === null ? null : formatDay(read.day), read_as: shown(read) });
  }
  return { rows, out };
}

const timeOf = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Rows ordered by time and id, so that among equal rows the same one always represents the others. */
const inOrder = <O extends { readonly at: number | null }>(rows: readonly Readable<O>[]): Readable<O>[] =>
  rows.toSorted((a, b) => (a.read.at ?? 0) - (b.read.at ?? 0) || (a.id < b.id ? -1 : 1));

/** Leaves out each row that only repeats the row of its subject that was valid before it, in order of time. */
function repeats<O extends { readonly at: number | null }>(rules: FoldRules<O>): StandFor<O> {
  return (rows) => {
    const holding = new Map<string, Readable<O>>();
    const standIns = new Map<string, StandIn>();
    for (const row of inOrder(rows)) {
      const subject = rules.subject(row.read);
      const before = holding.get(subject);
      if (before !== undefined && rules.same(before.read, row.read))
        standIns.set(row.id, { of: before.id, reason: 'duplicate' });
      else if (before !== undefined && before.read.at === row.read.at && rules.compare(before.read, row.read) > 0)
        standIns.set(row.id, { of: before.id, reason: 'superseded' });
      else holding.set(subject, row);
    }
    return standIns;
  };
}

/** Completions replace one another; of several rows of one event the first represents all. */
const standForActivity: StandFor<Observations['activity_logs']> = (rows) =>
  repeats({
    ...ACTIVITY_RULES,
    subject: (row) => (row.kind === 'completion' ? ACTIVITY_RULES.subject(row) : `${row.at} ${eventKey(row)}`),
  })(rows);

/** An item's grade is that of its latest row; it was given by the first row that says the same. */
const standForGrade: StandFor<Observations['grades']> = (rows) => {
  const standIns = new Map<string, StandIn>();
  for (const ofItem of byItem(inOrder(rows))) {
    const holding = ofItem.reduce((held, row) => {
      const later = (row.read.at ?? 0) - held.read.at || GRADE_RULES.compare(row.read, held.read);
      return later > 0 ? row : held;
    });
    const giving = ofItem.find(({ read }) => GRADE_RULES.same(read, holding.read)) ?? holding;
    for (const { id, read } of ofItem) {
      if (id === giving.id) continue;
      const reason = GRADE_RULES.same(read, holding.read) ? 'duplicate' : 'superseded';
      standIns.set(id, { of: giving.id, reason });
    }
  }
  return standIns;
};

function byItem(rows: readonly Readable<Observations['grades']>[]): Readable<Observations['grades']>[][] {
  const items = new Map<string, Readable<Observations['grades']>[]>();
  for (const row of rows) items.set(row.read.item, [...(items.get(row.read.item) ?? []), row]);
  return [...items.values()];
}

/** What a row was read as, in JSON: grades as decimal text, times as ISO 8601. */
function shown(read: Observations[ReadTable]): Readonly<Record<string, unknown>> {
  if ('item' in read) {
    const decimal = (value: bigint | null): string | null =>
      value === null ? null : formatScaled(value, GRADE_DECIMALS);
    return { item: read.item, value: decimal(read.value), max: decimal(read.max) };
  }
  if (!('kind' in read)) return { enrolled: true };
  if (read.kind === 'completion') return { kind: read.kind, resource: read.resource, state: read.state };
  const { kind, type, resource, eventId, duration, dueAt, siteAccess } = read;
  const due = typeof dueAt === 'number' ? timeOf(dueAt) : dueAt;
  return { kind, type, resource, event_id: eventId, seconds: duration, due_at: due, site_access: siteAccess };
}
