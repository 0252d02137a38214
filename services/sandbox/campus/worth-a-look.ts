import type { Uuid } from '#libs/domain/change.ts';
import { loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { STORIES } from './stories/index.ts';
import { STORY_NAMES, type StoryName } from './stories/story.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['worth_a_look']);

/** A student who shows a story well. */
export interface Sight {
  readonly story: StoryName;
  readonly studentId: Uuid;
  /** Days as `YYYY-MM-DD`. */
  readonly startsOn: string;
  readonly endsOn: string | null;
  /** The feature that shows the story. */
  readonly seenIn: string;
}

interface SightAnswer {
  readonly story: string;
  readonly student_id: Uuid;
  readonly starts_on: string;
  readonly ends_on: string | null;
}

/** Some students for each story of the campus, the best first; none on a campus without stories. */
export async function sightsOf(source: Queryable): Promise<Sight[]> {
  const rows = await source.query<SightAnswer>(sql.worth_a_look);
  return STORY_NAMES.flatMap((story) =>
    rows
      .filter((row) => row.story === story)
      .map((row) => ({
        story,
        studentId: row.student_id,
        startsOn: row.starts_on,
        endsOn: row.ends_on,
        seenIn: STORIES[story].seenIn,
      })),
  );
}
