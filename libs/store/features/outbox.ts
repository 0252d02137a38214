import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { Database, Queryable, SqlValue } from '#libs/platform/postgres/database.ts';
import { studentsAndCourses } from '../images/key-rows.ts';
import { featureSql, fillFeatureTemplate } from './statements.ts';

export const featureTopicOf = (family: Family): string => `prepadata.${family}`;

/** The channel on which each commit that notes something names the topic. */
export const OUTBOX_CHANNEL = 'prepadata_outbox';

const RELAY_LOCK = 7_130_004;
const KEYS_PER_PAGE = 1_000;

/** Notes that the keys' rows changed or were removed, in the transaction that does so, under their locks. */
export async function putOutbox(tx: Queryable, family: Family, keys: readonly StudentCourse[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(featureSql.outbox_put, [featureTopicOf(family), ...studentsAndCourses(keys)]);
}

/** A key waiting to be sent, with its current row. */
export interface WaitingKey extends StudentCourse {
  /**
   * The version of the row's last change, which may be its deletion. It is greater than the version of each row the key had
   * before, and less than that of each later one, because all are drawn under the key's lock.
   */
  readonly version: bigint;
  /** When the oldest change that has not been sent was noted. */
  readonly notedAt: Date;
  /** The named columns and both source ids, as the driver returns them; null if the key has no row. */
  readonly row: Readonly<Record<string, unknown>> | null;
}

export interface OutboxWaiting {
  /** Changed keys not sent to the topic yet. */
  readonly waiting: number;
  /** When the oldest of these changes was noted; null if none waits. */
  readonly oldest: Date | null;
}

/** The outbox of one topic, for its relay; all but `putBack` run in the session that holds the topic's lock. */
export interface Outbox {
  readonly topic: string;
  /** @returns true if this session is the one that sends, until it ends */
  hold(session: Queryable): Promise<boolean>;
  /** The keys with the oldest versions, up to `limit`, in any order. */
  read(session: Queryable, limit: number): Promise<WaitingKey[]>;
  /** Removes the keys that have not changed since they were read, and notes them as published. */
  sent(session: Queryable, keys: readonly WaitingKey[]): Promise<void>;
  /** Notes keys again, with the versions they were read with. */
  putBack(db: Queryable, keys: readonly WaitingKey[]): Promise<void>;
}

/** @param columns the columns of the feature table that `WaitingKey.row` gets besides the source ids */
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

/** How many keys wait for a topic, and since when. */
export async function readWaiting(db: Queryable, family: Family): Promise<OutboxWaiting> {
  const [row] = await db.query<{ waiting: bigint; oldest: Date | null }>(featureSql.outbox_waiting, [
    featureTopicOf(family),
  ]);
  return { waiting: Number(row?.waiting ?? 0n), oldest: row?.oldest ?? null };
}

/**
 * Notes every key of the family, once after its topic is switched on: for rows that existed before, and for keys that lost
 * theirs while the topic was off. Works in pieces, each under the locks of its keys, so that versions are drawn as derivers
 * draw them. If interrupted, it begins again.
 * @param again do so even if it is done already
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

/** For a process that runs with topics off: from now on changes are not noted, so every key has to be noted again later. */
export async function forgetTopic(db: Queryable, family: Family): Promise<void> {
  await db.query(featureSql.outbox_forget_topic, [featureTopicOf(family)]);
}

/** What was sent to a topic of a key. */
export interface PublishedKey extends StudentCourse {
  /** A noted change has not been sent yet. */
  readonly isWaiting: boolean;
  /** What was sent last; null: nothing. */
  readonly sent: { readonly version: bigint; readonly isTombstone: boolean } | null;
}

interface PublishedRow {
  readonly student_id: number;
  readonly course_id: number;
  readonly is_waiting: boolean;
  readonly version: bigint | null;
  readonly is_tombstone: boolean | null;
}

/** What the family's topic was sent of these keys; empty until every key was noted for it once. */
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
