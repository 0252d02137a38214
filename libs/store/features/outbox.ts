import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { Database, Queryable, SqlValue } from '#libs/platform/postgres/database.ts';
import { studentsAndCourses } from '../images/key-rows.ts';
import { featureSql, fillFeatureTemplate } from './statements.ts';

export const featureTopicOf = (family: Family): string => `prepadata.${family}`;

/** Notified, with the topic, of each commit that notes something. */
export const OUTBOX_CHANNEL = 'prepadata_outbox';

const RELAY_LOCK = 7_130_004;
const KEYS_PER_PAGE = 1_000;

/** Notes that the keys' rows changed, or went; in the transaction that changes them, under their locks. */
export async function putOutbox(tx: Queryable, family: Family, keys: readonly StudentCourse[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(featureSql.outbox_put, [featureTopicOf(family), ...studentsAndCourses(keys)]);
}

/** A key that waits to be sent, with its row as it is now. */
export interface WaitingKey extends StudentCourse {
  /**
   * Of the last change of the row, one of its deletion among them: drawn after the version of each row that the key had
   * until then, and before that of each later one, because all are drawn under the key's lock.
   */
  readonly version: bigint;
  /** When the oldest change was noted that the topic has not been told of. */
  readonly notedAt: Date;
  /** The named columns and both source ids, as the driver gives them; null where the key has no row. */
  readonly row: Readonly<Record<string, unknown>> | null;
}

export interface OutboxWaiting {
  /** Changed keys that the topic has not been told of. */
  readonly waiting: number;
  /** When the oldest of these changes was noted; null where none waits. */
  readonly oldest: Date | null;
}

/** What the relay of one topic does with the outbox; all but `putBack` in the session that holds the topic's lock. */
export interface Outbox {
  readonly topic: string;
  /** True when this session is the one that sends, from now on until it ends. */
  hold(session: Queryable): Promise<boolean>;
  /** The keys with the oldest versions, up to `limit`, in any order. */
  read(session: Queryable, limit: number): Promise<WaitingKey[]>;
  /** Takes out what has not changed since it was read, and writes it down as published. */
  sent(session: Queryable, keys: readonly WaitingKey[]): Promise<void>;
  /** Notes keys again, as they were read. */
  putBack(db: Queryable, keys: readonly WaitingKey[]): Promise<void>;
}

/** @param columns of the feature table, all that `WaitingKey.row` is to have besides the source ids */
export function openOutbox(family: Family, columns: readonly string[]): Outbox {
  const topic = featureTopicOf(family);
  const read = fillFeatureTemplate('outbox_read', family, {
    table: `${family}_features`,
    columns: columns.map((name) => `, f.${name} AS row_${name}`).join(''),
  });
  return {
    topic,
    hold: async (session) => {
      const [answer] = await session.query<{ held: boolean }>(featureSql.outbox_lock, [RELAY_LOCK, topic]);
      if (answer?.held !== true) return false;
      await session.query(featureSql.outbox_plan);
      return true;
    },
    read: async (session, limit) =>
      (await session.query<ReadRow>(read, [topic, limit])).map((row) => toWaiting(row, columns)),
    sent: async (session, keys) => {
      const tombstones = keys.filter((key) => key.row === null).map((key) => key.version);
      await session.query(featureSql.outbox_sent, [topic, ...versioned(keys), tombstones]);
    },
    putBack: async (db, keys) => {
      await db.query(featureSql.outbox_put_back, [topic, ...versioned(keys)]);
    },
  };
}

interface ReadRow extends Readonly<Record<string, unknown>> {
  readonly student_id: number;
  readonly course_id: number;
  readonly outbox_version: bigint;
  readonly noted_at: Date;
}

function toWaiting(read: ReadRow, columns: readonly string[]): WaitingKey {
  const { student_id: studentId, course_id: courseId, outbox_version: version, noted_at: notedAt } = read;
  const { student_source_id, course_source_id } = read;
  const values = Object.fromEntries(columns.map((name) => [name, read[`row_${name}`]]));
  const row = read['row_student_id'] === null ? null : { ...values, student_source_id, course_source_id };
  return { studentId, courseId, version, notedAt, row };
}

const versioned = (keys: readonly WaitingKey[]): SqlValue[] => [
  ...studentsAndCourses(keys),
  keys.map((key) => key.version),
];

/** How much waits for a topic, and since when. */
export async function readWaiting(db: Queryable, family: Family): Promise<OutboxWaiting> {
  const [row] = await db.query<{ waiting: bigint; oldest: Date | null }>(featureSql.outbox_waiting, [
    featureTopicOf(family),
  ]);
  return { waiting: Number(row?.waiting ?? 0n), oldest: row?.oldest ?? null };
}

/**
 * Notes every key of the family, once for as long as its topic is on: rows that were there before, and keys that have lost
 * theirs while nobody listened. In pieces, each under the locks of its keys, so that versions are drawn as derivers draw
 * them. Interrupted, it begins again.
 * @param again also when that is done already
 * @returns how many keys were noted
 */
export async function completeTopic(db: Database, family: Family, again: boolean): Promise<number> {
  const topic = featureTopicOf(family);
  if (again) await db.query(featureSql.outbox_begin_topic, [topic]);
  else if ((await db.query(featureSql.outbox_topic_complete, [topic])).length > 0) return 0;
  let noted = 0;
  for (let after: StudentCourse = { courseId: 0, studentId: 0 }; ; ) {
    const page = await db.transaction(async (tx) => {
      const values = [family, after.courseId, after.studentId, KEYS_PER_PAGE];
      const rows = await tx.query<{ course_id: number; student_id: number }>(featureSql.outbox_lock_keys, values);
      const keys = rows.map((row): StudentCourse => ({ courseId: row.course_id, studentId: row.student_id }));
      await putOutbox(tx, family, keys);
      return keys;
    });
    noted += page.length;
    after = page.at(-1) ?? after;
    if (page.length < KEYS_PER_PAGE) break;
  }
  await db.query(featureSql.outbox_complete_topic, [topic]);
  return noted;
}

/** For a process that runs with the topics off: from now on changes are not noted, so every key will have to be again. */
export async function forgetTopic(db: Queryable, family: Family): Promise<void> {
  await db.query(featureSql.outbox_forget_topic, [featureTopicOf(family)]);
}

/** What a topic knows of a key. */
export interface PublishedKey extends StudentCourse {
  /** A change is noted that the topic has not been told of. */
  readonly isWaiting: boolean;
  /** What it was told last; null: nothing. */
  readonly sent: { readonly version: bigint; readonly isTombstone: boolean } | null;
}

interface PublishedRow {
  readonly student_id: number;
  readonly course_id: number;
  readonly is_waiting: boolean;
  readonly version: bigint | null;
  readonly is_tombstone: boolean | null;
}

/** What the family's topic knows of these keys; none of them until the topic has been told of every key once. */
export async function readPublished(
  tx: Queryable,
  family: Family,
  keys: readonly StudentCourse[],
): Promise<PublishedKey[]> {
  const values = [featureTopicOf(family), ...studentsAndCourses(keys)];
  const rows = await tx.query<PublishedRow>(featureSql.reconcile_published, values);
  return rows.map(({ student_id, course_id, is_waiting, version, is_tombstone }) => ({
    studentId: student_id,
    courseId: course_id,
    isWaiting: is_waiting,
    sent: version === null ? null : { version, isTombstone: is_tombstone === true },
  }));
}
