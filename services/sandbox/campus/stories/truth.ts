import type { LocalMillis, Uuid } from '#libs/domain/change.ts';
import { loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { dateText } from '../local-time.ts';
import { STORY_NAMES, type StoryLine, type StoryName, type StudentLine } from './story.ts';

const sql = loadStatements(new URL('../sql/', import.meta.url), [
  'create_story_schema',
  'create_story',
  'clear_stories',
  'insert_stories',
  'story_exists',
  'stories',
]);

/** Makes the table `campus.story` where it is missing: a campus seeded before there was one has no stories. */
export async function createStoryTable(db: Queryable): Promise<void> {
  await db.query(sql.create_story_schema);
  await db.query(sql.create_story);
}

/**
 * Writes the ground truth of a new campus, in the transaction that writes its rows, in place of whatever an emptied campus
 * left behind.
 */
export async function replaceStories(tx: Queryable, lines: readonly StudentLine[]): Promise<void> {
  await tx.query(sql.clear_stories);
  await tx.query(sql.insert_stories, [
    lines.map((line) => line.studentId),
    lines.map((line) => line.courseId),
    lines.map((line) => line.story),
    lines.map((line) => dateText(line.startsOn)),
    lines.map((line) => (line.endsOn === null ? null : dateText(line.endsOn))),
    lines.map((line) => JSON.stringify(line.details)),
  ]);
}

interface StoryAnswer {
  readonly student_id: Uuid;
  readonly course_id: Uuid | null;
  readonly story: string;
  /** `YYYY-MM-DD`. */
  readonly starts_on: string;
  readonly ends_on: string | null;
  readonly details: StoryLine['details'];
}

/** The lines of each student, by id. Unknown stories of another version are left out. */
export async function readStories(db: Queryable): Promise<Map<Uuid, StudentLine[]>> {
  const lines = new Map<Uuid, StudentLine[]>();
  const [table] = await db.query<{ exists: boolean }>(sql.story_exists);
  if (table?.exists !== true) return lines;
  for (const row of await db.query<StoryAnswer>(sql.stories)) {
    const { story } = row;
    if (!isStoryName(story)) continue;
    const own = lines.get(row.student_id) ?? [];
    lines.set(row.student_id, own);
    own.push({
      studentId: row.student_id,
      courseId: row.course_id,
      story,
      startsOn: midnight(row.starts_on),
      endsOn: row.ends_on === null ? null : midnight(row.ends_on),
      details: row.details,
    });
  }
  return lines;
}

const isStoryName = (text: string): text is StoryName => STORY_NAMES.some((name) => name === text);

const midnight = (date: string): LocalMillis => Date.parse(`${date}T00:00:00Z`);
