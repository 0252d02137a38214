import { FAMILIES, type Family, perFamily } from '#libs/domain/family.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { Countdown } from '#libs/platform/time-left.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { readUnstagedTables, type UnstagedTable } from '#libs/store/progress/progress.ts';
import { sql } from './statements.ts';

interface StreamRow {
  readonly stream: string;
  readonly epoch: number;
  readonly phase: 'snapshot' | 'streaming';
}

interface MarksRow {
  readonly family: Family | 'course';
  readonly marks: bigint;
  readonly waiting: bigint;
}

interface BacklogOptions {
  /** Whether changes arrive through topics. */
  readonly overKafka: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of the waiting keys; the caller keeps it between calls. */
  readonly countdown: Countdown;
}

/**
 * Why what is served does not cover everything in the source yet: one sentence for each step still to come after an initial
 * snapshot, a new epoch, adopted settings or a day that was set back. Empty once everything these brought is derived;
 * later changes at the source, and a midnight, are no reasons.
 */
export async function backlogTroubles(db: Queryable, { overKafka, now, countdown }: BacklogOptions): Promise<string[]> {
  // Read in the order in which work passes from step to step, so that nothing slips through between two queries.
  const streams = await db.query<StreamRow>(sql.backlog_streams, [DEBEZIUM_STREAM]);
  const unstaged = overKafka ? await readUnstagedTables(db) : [];
  const marks = await readAwaited(db);
  const timeLeft = countdown.observe(marks.keys, now);
  return [...describeReadings(streams, overKafka), ...describeTopics(unstaged), ...describeMarks(marks, timeLeft)];
}

function describeReadings(streams: readonly StreamRow[], overKafka: boolean): string[] {
  const isUnread = overKafka && !streams.some(({ stream }) => stream === DEBEZIUM_STREAM);
  return [
    ...(isUnread ? ['nothing of the source is read into topics yet: npm run register -- --watch sees to it'] : []),
    ...streams.flatMap(({ stream, epoch, phase }) =>
      phase === 'snapshot'
        ? [
            `the initial snapshot of the source is under way (${stream}, epoch ${epoch}): nothing is derived before its end`,
          ]
        : [],
    ),
  ];
}

function describeTopics(rows: readonly UnstagedTable[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const tables = rows.map((row) => `${row.source_table} (${row.partitions})`).join(', ');
  return [
    `topics are not taken in as far as the initial snapshot of epoch ${first.epoch} reaches; partitions: ${tables}`,
  ];
}

/** What readiness waits for. */
export interface Awaited {
  /** Of all families together; an estimate if there are more than were counted. */
  readonly keys: number;
  readonly counted: Readonly<Record<Family, number>>;
  /** False if there are more than were counted. */
  readonly isAll: boolean;
  readonly courses: number;
}

/** Counting a mark takes up to ten microseconds, and the answer is due in two seconds. */
const MOST_MARKS = 20_000;

export async function readAwaited(db: Queryable): Promise<Awaited> {
  const rows = await db.query<MarksRow>(sql.backlog_marks, [FAMILIES, MOST_MARKS]);
  const count = (name: MarksRow['family']): number => Number(rows.find((row) => row.family === name)?.waiting ?? 0);
  const counted = perFamily(count);
  const isAll = rows.every(({ marks }) => marks < MOST_MARKS);
  const keys = sumOf(counted);
  return { keys: isAll ? keys : await estimateKeys(db, keys, rows), counted, isAll, courses: count('course') };
}

/** Takes the server's own count of marks, which is lost in a crash, and assumes as many marks per key as were seen. */
async function estimateKeys(db: Queryable, keys: number, rows: readonly MarksRow[]): Promise<number> {
  const seen = rows.reduce((sum, { family, marks }) => (family === 'course' ? sum : sum + Number(marks)), 0);
  const [all] = await db.query<{ marks: bigint }>(sql.backlog_marks_estimate);
  return Math.max(keys, Math.round((Number(all?.marks ?? 0) * keys) / seen));
}

const sumOf = (counts: Readonly<Record<Family, number>>): number =>
  FAMILIES.reduce((sum, family) => sum + counts[family], 0);

/** `1,830 keys`, or as much of the number as is known. */
export function countKeys({ keys, counted, isAll }: Awaited): string {
  if (isAll) return `${keys.toLocaleString('en')} keys`;
  const least = sumOf(counted);
  return keys > least
    ? `about ${keys.toLocaleString('en', { maximumSignificantDigits: 2 })} keys`
    : `more than ${least.toLocaleString('en')} keys`;
}

function describeMarks(awaited: Awaited, timeLeft: string): string[] {
  const { keys, counted, isAll, courses } = awaited;
  if (keys + courses === 0) return [];
  const families = FAMILIES.map((family) => `${family} ${counted[family].toLocaleString('en')}`).join(', ');
  return [
    `what was read of the source is not all derived: ${countKeys(awaited)} to go${isAll ? ` (${families})` : ''}, and ${courses.toLocaleString('en')} courses${timeLeft}`,
  ];
}
