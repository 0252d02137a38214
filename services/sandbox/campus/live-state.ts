import type { LocalMillis, Uuid } from '#libs/domain/change.ts';
import { loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { CAMPUS_PREFIX, type CourseDefinition, courseByExternalId, workOf } from './catalogue.ts';
import { DAY, timestampText } from './local-time.ts';
import type { Random } from './random.ts';
import { lineIn } from './stories/index.ts';
import type { StoryLine } from './stories/story.ts';
import { readStories } from './stories/truth.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['live_students', 'live_courses', 'live_pending']);

export interface LiveStudent {
  readonly id: Uuid;
  readonly name: string;
  /** The lines of the student's story. */
  readonly lines: readonly StoryLine[];
}

export interface LiveCourse {
  readonly id: Uuid;
  readonly name: string;
  readonly definition: CourseDefinition;
  readonly startsAt: LocalMillis;
}

/** A student in a course that still runs. */
export interface LiveKey {
  readonly student: LiveStudent;
  readonly course: LiveCourse;
  /** The student's story in this course. */
  readonly line: StoryLine | null;
}

/** A submission that waits for its mark. */
export interface Pending {
  readonly key: LiveKey;
  readonly resourceId: string;
  readonly readyAt: LocalMillis;
}

/** What the living campus knows: read from the database at the start and after every failure. */
export interface LiveState {
  readonly students: readonly LiveStudent[];
  /** Courses that still run; nothing happens in one that has ended. */
  readonly courses: readonly LiveCourse[];
  readonly keys: LiveKey[];
  readonly pending: Pending[];
  /** Students who are in a course now, and how many clicks they have left. */
  readonly visits: { key: LiveKey; clicks: number }[];
}

interface CourseAnswer {
  readonly id: Uuid;
  readonly external_id: string;
  readonly fullname: string;
  readonly starts_at: string;
  readonly student_ids: readonly Uuid[];
}

/** Reads the sample campus; other rows, such as those of loaded courses, are left alone. */
export async function loadLiveState(db: Queryable, now: LocalMillis, random: Random): Promise<LiveState> {
  const named = await db.query<Pick<LiveStudent, 'id' | 'name'>>(sql.live_students, [CAMPUS_PREFIX]);
  const stories = await readStories(db);
  const students = named.map((student) => ({ ...student, lines: stories.get(student.id) ?? [] }));
  const byId = new Map(students.map((student) => [student.id, student]));
  const answers = await db.query<CourseAnswer>(sql.live_courses, [CAMPUS_PREFIX]);
  const state: LiveState = { students, courses: [], keys: [], pending: [], visits: [] };
  const courses: LiveCourse[] = [];
  for (const answer of answers) {
    const definition = courseByExternalId.get(answer.external_id);
    if (definition === undefined || definition.endedDaysAgo !== null) continue;
    const course = { id: answer.id, name: answer.fullname, definition, startsAt: Number(answer.starts_at) };
    courses.push(course);
    for (const id of answer.student_ids) {
      const student = byId.get(id);
      if (student !== undefined) state.keys.push({ student, course, line: lineIn(student.lines, course.id) });
    }
  }
  const keys = new Map(state.keys.map((key) => [`${key.student.id}/${key.course.id}`, key]));
  const waiting = await db.query<{ student_id: Uuid; course_id: Uuid; resource_id: string; marked: readonly string[] }>(
    sql.live_pending,
    [CAMPUS_PREFIX, timestampText(now - 21 * DAY)],
  );
  for (const row of waiting) {
    const key = keys.get(`${row.student_id}/${row.course_id}`);
    if (key === undefined) continue;
    const item = workOf(key.course.definition, key.course.startsAt, now).find((w) => w.resourceId === row.resource_id);
    if (item !== undefined && !row.marked.includes(item.title))
      state.pending.push({ key, resourceId: row.resource_id, readyAt: now });
  }
  shuffle(state.pending, random);
  return { ...state, courses };
}

function shuffle<T>(list: T[], random: Random): void {
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = random.int(0, last);
    const [a, b] = [list[last], list[other]];
    if (a === undefined || b === undefined) return;
    list[last] = b;
    list[other] = a;
  }
}
