import { loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { type Sight, sightsOf } from '../campus/worth-a-look.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['student_ids']);

/** A student worth a look, by the id that the API takes. */
export interface StoryExample extends Pick<Sight, 'story' | 'startsOn' | 'endsOn' | 'seenIn'> {
  readonly student: number;
}

/** For each story of the sample campus the student who shows it best, among those that the API knows. */
export async function findLooks(source: Queryable, analytics: Queryable): Promise<StoryExample[]> {
  const sights = await sightsOf(source);
  const known = await analytics.query<{ source_id: string; student_id: number }>(sql.student_ids, [
    sights.map((sight) => sight.studentId),
  ]);
  const ids = new Map(known.map((row) => [row.source_id, row.student_id]));
  const looks = new Map<string, StoryExample>();
  for (const { studentId, story, startsOn, endsOn, seenIn } of sights) {
    const student = ids.get(studentId);
    if (student !== undefined && !looks.has(story)) looks.set(story, { story, student, startsOn, endsOn, seenIn });
  }
  return [...looks.values()];
}

const WIDTH = 110;
const GAP = '  ';

/** A line for each: the story, since when, where to look and, if there is room, at which feature. */
export function lookLines(url: string, looks: readonly StoryExample[]): string[] {
  if (looks.length === 0) return [];
  const cells = looks.map((look) => [
    look.story,
    when(look),
    `curl -s ${url}/api/metrics/student/${look.student}`,
    look.seenIn,
  ]);
  const whole = aligned(cells);
  const fits = whole.every((line) => line.length <= WIDTH);
  if (fits) return ['  Worth a look, and the feature that shows it', ...whole];
  return ['  Worth a look', ...aligned(cells.map((row) => row.slice(0, -1)))];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widthOf(column))).join(GAP);
  return rows.map((row) => `  ${line(row)}`.trimEnd());
}

function when({ startsOn, endsOn }: StoryExample): string {
  if (endsOn === null) return `since ${dayAndMonth(startsOn)}`;
  const sameMonth = startsOn.slice(0, 7) === endsOn.slice(0, 7);
  return `${sameMonth ? dayOf(startsOn) : dayAndMonth(startsOn)} - ${dayAndMonth(endsOn)}`;
}

const dayOf = (date: string): string => String(Number(date.slice(8)));

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const dayAndMonth = (date: string): string => `${dayOf(date)} ${MONTHS[Number(date.slice(5, 7)) - 1] ?? ''}`;
