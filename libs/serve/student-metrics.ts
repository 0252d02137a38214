import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { isoInstant, ourId, sourceId } from './answers.ts';
import { batchLoads } from './batch-loads.ts';
import { anomalyColumns, engagementColumns, performanceColumns, stampColumns } from './feature-columns.ts';
import { type FeatureNewsOptions, listenForFeatureNews } from './feature-news.ts';
import { FinishedAnswer } from './finished-answer.ts';
import { canonicalId, entityNotFound } from './identity.ts';
import { KeptAnswers, type StudentAnswer } from './kept-answers.ts';
import { studentId } from './parameters.ts';
import { sql } from './statements.ts';

export const studentMetricsParams = z.strictObject({
  id: studentId,
});

/** The columns of the view student_metrics that are described; any that a newer schema adds are served unchanged. */
export const studentMetricsAnswer = z.array(
  z
    .object({
      student_id: ourId,
      student_source_id: sourceId,
      course_id: ourId,
      course_source_id: sourceId,
      stale: z.boolean().meta({ description: 'The row speaks for an earlier day than its course does' }),
      ...engagementColumns,
      ...performanceColumns,
      ...anomalyColumns,
      ...stampColumns,
    })
    .loose()
    .meta({ id: 'StudentMetrics' }),
);
export type StudentMetrics = z.output<typeof studentMetricsAnswer>[number];

type Json = z.output<ReturnType<typeof z.json>>;

interface MetricsRow {
  readonly student_id: number;
  readonly source_id: Uuid;
  /** Null, like all that follows, if the student has no features. */
  readonly metrics: Readonly<Record<string, Json>> | null;
  readonly course_source_id: Uuid;
  readonly stale: boolean;
  readonly instants: readonly string[];
}

/** All features of one student, one row per course in order of course_id; none for a student without features. */
export type ReadStudentMetrics = (id: string) => Promise<FinishedAnswer>;

/** Most students per statement, and most statements at once: more would only wait for a core of the server. */
const TOGETHER = { most: 16, concurrency: 3 } as const;

/** For kept answers: enough for about 5,000 students with one course each. */
const MOST_BYTES = 16 * 1024 * 1024;

export interface StudentMetricsReader {
  readonly read: ReadStudentMetrics;
  stop(): Promise<void>;
}

/**
 * A reader of students' features. It reads many students in one statement, since a statement costs far more than a row.
 * If it hears of changes, it keeps an answer until the student's features change.
 * @param news if absent, every answer is read when it is requested
 * @returns its `read` rejects with NotFoundError when the student was never seen
 */
export function openStudentMetrics(db: Queryable, news?: Omit<FeatureNewsOptions, 'onChange'>): StudentMetricsReader {
  const kept = new KeptAnswers<FinishedAnswer>(MOST_BYTES);
  const hearing = news && listenForFeatureNews({ ...news, onChange: (students) => kept.change(students) });
  const read = batchLoads(async (ids) => {
    const began = kept.beginReading();
    let found: readonly FoundStudent[] = [];
    try {
      found = await readMany(db, ids);
      return new Map(
        found.flatMap((one) => [String(one.studentId), one.sourceId].map((id) => [id, one.answer] as const)),
      );
    } finally {
      // The lack of features is not kept: nothing would announce its end to us.
      kept.keep(began, hearing === undefined ? [] : found.filter(({ hasFeatures }) => hasFeatures));
    }
  }, TOGETHER);
  return {
    read: async (text) => {
      const id = canonicalId(text);
      const found = id === undefined ? undefined : (hearing?.isHearing && kept.get(id)) || (await read(id));
      if (found === undefined) throw entityNotFound('student', text);
      return found;
    },
    stop: async () => hearing?.stop(),
  };
}

interface FoundStudent extends StudentAnswer<FinishedAnswer> {
  readonly hasFeatures: boolean;
}

async function readMany(db: Queryable, ids: readonly string[]): Promise<FoundStudent[]> {
  const [sourceIds, ours] = [ids.filter((id) => id.includes('-')), ids.filter((id) => !id.includes('-'))];
  const rows = await db.query<MetricsRow>(sql.student_metrics, [ours.map(Number), sourceIds]);
  const found = new Map<number, { readonly sourceId: Uuid; readonly courses: StudentMetrics[] }>();
  for (const row of rows) {
    const one = found.get(row.student_id) ?? { sourceId: row.source_id, courses: [] };
    found.set(row.student_id, one);
    if (row.metrics !== null) one.courses.push(present(row.metrics, row));
  }
  return [...found].map(([studentId, { sourceId, courses }]) => {
    const answer = new FinishedAnswer(courses);
    return { studentId, sourceId, answer, bytes: answer.bytes.length, hasFeatures: courses.length > 0 };
  });
}

function present(metrics: Readonly<Record<string, Json>>, row: MetricsRow): StudentMetrics {
  const { student_id, course_id, ...columns } = metrics;
  const features = Object.entries(columns).map(([name, value]) => [
    name,
    typeof value === 'string' && row.instants.includes(name) ? isoInstant(value) : value,
  ]);
  // The view decides which columns there are; a test compares it with the schema above.
  return {
    student_id,
    student_source_id: row.source_id,
    course_id,
    course_source_id: row.course_source_id,
    stale: row.stale,
    ...Object.fromEntries(features),
  } as StudentMetrics;
}
