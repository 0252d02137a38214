import { FAMILIES, type Family, perFamily } from '#libs/domain/family.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { sql } from './statements.ts';

interface StreamRow {
  readonly stream: string;
  readonly epoch: number;
  readonly phase: 'snapshot' | 'streaming';
}

interface PartitionsRow {
  readonly source_table: string;
  readonly epoch: number;
  readonly partitions: bigint;
}

interface MarksRow {
  readonly family: Family | 'course';
  readonly marks: bigint;
  readonly waiting: bigint;
}

/**
 * Why what is served is not yet all that the source held: one sentence for each step that an initial snapshot, a new epoch,
 * adopted settings or a day that was set back still has before it. Empty when everything is derived that these brought;
 * what the source brings since then, and a midnight, are no reasons.
 * @param overKafka whether changes come by topics
 */
export async function backlogTroubles(db: Queryable, overKafka: boolean): Promise<string[]> {
  // In the order in which it goes from one to the next, so that nothing slips through between two looks.
  const streams = await db.query<StreamRow>(sql.backlog_streams, [DEBEZIUM_STREAM]);
  const partitions = overKafka
    ? await db.query<PartitionsRow>(sql.backlog_partitions, [DEBEZIUM_STREAM, SOURCE_TABLES])
    : [];
  const marks = await readAwaited(db);
  return [...describeReadings(streams, overKafka), ...describeTopics(partitions), ...describeMarks(marks)];
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

function describeTopics(rows: readonly PartitionsRow[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const tables = rows.map((row) => `${row.source_table} (${row.partitions})`).join(', ');
  return [
    `topics are not taken in as far as the initial snapshot of epoch ${first.epoch} reaches; partitions: ${tables}`,
  ];
}

/** What readiness waits for. */
export interface Awaited {
  /** Keys of all families. */
  readonly keys: number;
  readonly byFamily: Readonly<Record<Family, number>>;
  readonly courses: number;
  /** False where there is more than was counted. */
  readonly isAll: boolean;
}

/** To count a mark takes up to ten microseconds, and the answer is due in two seconds. */
const MOST_MARKS = 20_000;

export async function readAwaited(db: Queryable): Promise<Awaited> {
  const rows = await db.query<MarksRow>(sql.backlog_marks, [FAMILIES, MOST_MARKS]);
  const count = (name: MarksRow['family']): number => Number(rows.find((row) => row.family === name)?.waiting ?? 0);
  const byFamily = perFamily(count);
  const keys = FAMILIES.reduce((sum, family) => sum + byFamily[family], 0);
  return { keys, byFamily, courses: count('course'), isAll: rows.every(({ marks }) => marks < MOST_MARKS) };
}

/** `1,830 keys`, or what is known of how many. */
export const countKeys = ({ keys, isAll }: Awaited): string =>
  `${isAll ? '' : 'more than '}${keys.toLocaleString('en')} keys`;

function describeMarks(awaited: Awaited): string[] {
  const { keys, byFamily, courses } = awaited;
  if (keys + courses === 0) return [];
  const families = FAMILIES.map((family) => `${family} ${byFamily[family].toLocaleString('en')}`).join(', ');
  return [
    `what was read of the source is not all derived: ${countKeys(awaited)} to go (${families}), and ${courses.toLocaleString('en')} courses`,
  ];
}
