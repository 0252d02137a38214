import type { LocalMillis } from '#libs/domain/change.ts';
import { daysToDeadline, markFor, momentOf, stay, viewsIn, visitsOn } from './behaviour.ts';
import { type CoursePage, dueMetadata, pagesOf, type WorkItem, workOf } from './catalogue.ts';
import { DAY, HOUR, MINUTE, SECOND, startOfDay } from './local-time.ts';
import { type Campus, type Enrollment, fromIn } from './people.ts';
import { type Random, randomFrom } from './random.ts';
import type { ActivityRow, GradeRow } from './rows.ts';
import { conductOf, handInOf, paceOf } from './stories/index.ts';
import type { Conduct } from './stories/story.ts';
import { uuidFrom } from './uuid.ts';

/** What one student did in one course. */
export interface KeyHistory {
  readonly activities: readonly ActivityRow[];
  readonly grades: readonly GradeRow[];
}

/** The name under which an LMS writes the total of a course among the grades. */
export const COURSE_TOTAL = 'course';

/** Collects the rows of one key; rows after the end of the course are dropped. */
class Recorder {
  readonly activities: ActivityRow[] = [];
  readonly grades: GradeRow[] = [];
  readonly #campus: Campus;
  readonly #key: Enrollment;

  constructor(campus: Campus, key: Enrollment) {
    this.#campus = campus;
    this.#key = key;
  }

  activity(
    type: string,
    at: LocalMillis,
    row: Partial<Pick<ActivityRow, 'resourceId' | 'durationSeconds' | 'metadata'>> = {},
  ): void {
    if (at > this.#key.course.endsAt) return;
    this.activities.push({
      ...this.#identity('activity', this.activities.length),
      type,
      resourceId: null,
      durationSeconds: null,
      metadata: null,
      ...row,
      at,
    });
  }

  grade(item: string, value: number, max: number, at: LocalMillis): void {
    if (at > this.#key.course.endsAt) return;
    this.grades.push({ ...this.#identity('grade', this.grades.length), item, value, max, at });
  }

  #identity(kind: string, number: number): Pick<GradeRow, 'id' | 'studentId' | 'courseId'> {
    const { student, course } = this.#key;
    return {
      id: uuidFrom(this.#campus.namespace, `${student.externalId}/${course.externalId}/${kind}/${number}`),
      studentId: student.id,
      courseId: course.id,
    };
  }
}

/** Everything that the history of one student in one course is made from. */
interface Telling {
  readonly key: Enrollment;
  readonly from: LocalMillis;
  readonly random: Random;
  readonly out: Recorder;
  readonly work: readonly WorkItem[];
  readonly pages: readonly CoursePage[];
  /** The share of days on which the student visits this course. */
  readonly pace: number;
  /** How each week of the course goes for the student, from the first on. */
  readonly moods: readonly number[];
}

/** Makes up the history of one student in one course. Pure, and independent of all other keys. */
export function keyHistory(campus: Campus, key: Enrollment): KeyHistory {
  const { course, student } = key;
  const random = randomFrom(`${campus.seed}/history/${student.externalId}/${course.externalId}`);
  const weeks = Math.ceil((course.endsAt - course.startsAt) / (7 * DAY)) + 1;
  const telling: Telling = {
    key,
    from: fromIn(course, key.enrolledAt),
    random,
    out: new Recorder(campus, key),
    work: workOf(course.definition, course.startsAt, course.endsAt),
    pages: pagesOf(course.definition, course.startsAt, course.endsAt),
    pace: paceIn(key, random),
    moods: Array.from({ length: weeks }, () => random.normal()),
  };
  tellNotDone(telling);
  const done = new Set<string>();
  for (let day = startOfDay(telling.from); day <= course.endsAt; day += DAY) tellDay(telling, day, done);
  tellWork(telling);
  return { activities: telling.out.activities, grades: telling.out.grades };
}

/** From the student's drive, the course's liveliness, and how much this student likes it. */
function paceIn({ student, course }: Enrollment, random: Random): number {
  const taste = -1.1 + 1.3 * student.drive + 0.6 * random.normal() + 1.5 * Math.log(course.definition.liveliness);
  return paceOf(student.story, 1 / (1 + Math.exp(-taste)));
}

function conductOn({ key, work, moods }: Telling, day: LocalMillis): Conduct {
  const mood = moods[Math.floor((day - key.course.startsAt) / (7 * DAY))] ?? 0;
  return conductOf(key.line, { day, daysToDeadline: daysToDeadline(work, day), mood });
}

/** Whether the student stays away on that day; then a visit does not run past the midnight before it either. */
const isAway = (telling: Telling, at: LocalMillis): boolean => conductOn(telling, startOfDay(at)).presence === 0;

/** What the connector writes at its first look: nothing is completed, and every open item has the value 0. */
function tellNotDone({ key, from, out, work, pages }: Telling): void {
  const { definition } = key.course;
  if (definition.completions === 'full') {
    const tracked = pages.filter((page) => page.tracked).map((page) => ({ ...page, from: page.releasedAt }));
    for (const each of [...tracked, ...work.map((item) => ({ ...item, from: item.opensAt }))])
      out.activity('completion', Math.max(from, each.from), { resourceId: each.resourceId, metadata: { state: 0 } });
  }
  for (const item of work) out.grade(item.title, 0, item.max, Math.max(from, item.opensAt));
  out.grade(COURSE_TOTAL, 0, 100, from);
}

function tellDay(telling: Telling, day: LocalMillis, done: Set<string>): void {
  const { key, random, pace } = telling;
  const conduct = conductOn(telling, day);
  for (let left = visitsOn(conduct, pace, random); left > 0; left -= 1) {
    const at = momentOf(conduct, day, random);
    if (at < telling.from) continue;
    if (key.course.definition.activity === 'last_access') telling.out.activity('last_access', at);
    else tellVisit(telling, at, conduct.talks, done);
  }
}

/** A login, then some pages, and now and then a forum post. */
function tellVisit(telling: Telling, start: LocalMillis, talks: boolean, done: Set<string>): void {
  const { key, random, out, pages } = telling;
  const { definition } = key.course;
  out.activity('login', start);
  let at = start + random.int(SECOND, 30 * SECOND);
  const open = pages.filter((page) => page.releasedAt <= at);
  for (let left = viewsIn(random); left > 0 && open.length > 0; left -= 1) {
    if (at >= startOfDay(start) + DAY && isAway(telling, at)) return;
    const page = pagePicked(open, random);
    const length = stay(random);
    out.activity('view', at, {
      resourceId: page.resourceId,
      durationSeconds: definition.durations ? Math.round(length / SECOND) : null,
    });
    at += length;
    if (page.tracked && definition.completions !== 'none' && !done.has(page.resourceId) && random.chance(0.5)) {
      done.add(page.resourceId);
      out.activity('completion', at, { resourceId: page.resourceId, metadata: { state: 1 } });
    }
  }
  if (talks && random.chance(definition.forum))
    out.activity('forum_post', at, { resourceId: `${definition.code}-forum` });
}

/** Mostly a recent page, sometimes any. */
function pagePicked(open: readonly CoursePage[], random: Random): CoursePage {
  const recent = open.slice(-6);
  return random.pick(random.chance(0.75) ? recent : open);
}

function tellWork(telling: Telling): void {
  const { key, random, out, from } = telling;
  const { course, student } = key;
  const marks: { at: LocalMillis; share: number }[] = [];
  for (const item of telling.work) {
    const plan = handInOf(key.line, item, random);
    if (plan === null || item.dueAt < from) continue;
    const day = startOfDay(item.dueAt) + plan.daysLate * DAY;
    const at = Math.max(from + HOUR, item.opensAt + HOUR, momentOf(conductOn(telling, day), day, random));
    if (isAway(telling, at)) continue;
    if (course.definition.activity === 'detailed')
      out.activity('login', Math.max(startOfDay(at), at - random.int(MINUTE, 10 * MINUTE)));
    const gradedAt = item.kind === 'quiz' ? tellQuiz(telling, item, at) : tellAssignment(telling, item, at);
    const mark = markFor(student.ability + plan.effort, item.max, random);
    out.grade(item.title, mark, item.max, gradedAt);
    if (gradedAt <= course.endsAt) marks.push({ at: gradedAt, share: mark / item.max });
    tellWorkDone(telling, item, at, gradedAt, mark);
  }
  // The total is the mean so far; every new mark adds a new row for it.
  let sum = 0;
  for (const [index, mark] of marks.sort((a, b) => a.at - b.at).entries()) {
    sum += mark.share;
    out.grade(COURSE_TOTAL, Math.round((sum / (index + 1)) * 10_000) / 100, 100, mark.at);
  }
}

/** One or two tries, marked at once. @returns the time of the mark */
function tellQuiz(telling: Telling, item: WorkItem, first: LocalMillis): LocalMillis {
  const { key, random, out } = telling;
  const { definition } = key.course;
  let at = first;
  const tries = random.chance(0.3) ? 2 : 1;
  for (let attempt = 1; ; attempt += 1) {
    const length = random.int(4 * MINUTE, 25 * MINUTE);
    if (definition.activity === 'detailed') {
      out.activity('quiz_attempt', at, {
        resourceId: item.resourceId,
        durationSeconds: definition.durations ? Math.round(length / SECOND) : null,
      });
    }
    const next = at + length + random.int(10 * MINUTE, 2 * HOUR);
    if (attempt === tries || isAway(telling, next)) return at + length;
    at = next;
  }
}

/** Handed in once, rarely twice, and marked some days later in working hours. @returns the time of the mark */
function tellAssignment(telling: Telling, item: WorkItem, first: LocalMillis): LocalMillis {
  const { key, random, out } = telling;
  let at = first;
  const detail = { resourceId: item.resourceId, metadata: dueMetadata(item) };
  if (key.course.definition.activity === 'detailed') {
    out.activity('submission', at, detail);
    const again = at + random.int(HOUR, 20 * HOUR);
    if (random.chance(0.06) && !isAway(telling, again)) {
      at = again;
      out.activity('submission', at, detail);
    }
  }
  return startOfDay(at) + random.int(2, 6) * DAY + random.int(9 * HOUR, 17 * HOUR);
}

/** With full tracking the mark decides between passed and failed; otherwise handing in is enough. */
function tellWorkDone(
  { key, out }: Telling,
  item: WorkItem,
  at: LocalMillis,
  gradedAt: LocalMillis,
  mark: number,
): void {
  const { completions } = key.course.definition;
  if (completions === 'none') return;
  const state = completions === 'done' ? 1 : mark / item.max >= 0.5 ? 2 : 3;
  const doneAt = completions === 'done' ? at : gradedAt;
  out.activity('completion', doneAt, { resourceId: item.resourceId, metadata: { state } });
}
