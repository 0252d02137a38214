import type { LocalMillis } from '#libs/domain/change.ts';
import { type DayOfStudy, handInLead, markFor, stay, visitStart, visitsExpected } from './behaviour.ts';
import { dueMetadata, type Page, pagesOf, type WorkItem, workOf } from './catalogue.ts';
import { DAY, HOUR, MINUTE, SECOND, startOfDay } from './local-time.ts';
import type { Campus, Enrollment } from './people.ts';
import { type Random, randomFrom } from './random.ts';
import type { ActivityRow, GradeRow } from './rows.ts';
import { uuidFrom } from './uuid.ts';

/** What one student did in one course. */
export interface KeyHistory {
  readonly activities: readonly ActivityRow[];
  readonly grades: readonly GradeRow[];
}

/** The name under which an LMS writes the total of a course among the grades. */
export const COURSE_TOTAL = 'course';

/** Collects the rows of one key; those after the end of the course are not written. */
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

/** Everything the histories of one student in one course are made from. */
interface Telling {
  readonly key: Enrollment;
  readonly from: LocalMillis;
  readonly random: Random;
  readonly out: Recorder;
  readonly work: readonly WorkItem[];
  readonly pages: readonly Page[];
}

/** Tells the history of one student in one course. Pure, and independent of all the other keys. */
export function keyHistory(campus: Campus, key: Enrollment): KeyHistory {
  const { course, student } = key;
  const telling: Telling = {
    key,
    from: Math.max(course.startsAt, key.enrolledAt ?? course.startsAt),
    random: randomFrom(`${campus.seed}/history/${student.externalId}/${course.externalId}`),
    out: new Recorder(campus, key),
    work: workOf(course.definition, course.startsAt, course.endsAt),
    pages: pagesOf(course.definition, course.startsAt, course.endsAt),
  };
  tellNotDone(telling);
  const done = new Set<string>();
  for (let day = startOfDay(telling.from); day <= course.endsAt; day += DAY) tellDay(telling, day, done);
  tellWork(telling);
  return { activities: telling.out.activities, grades: telling.out.grades };
}

/** What the connector writes at its first look: nothing is done, and every open item has the value 0. */
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
  const { key, random, work } = telling;
  const { course, student } = key;
  const next = work.find((item) => item.dueAt >= day);
  const study: DayOfStudy = {
    profile: student.profile,
    day,
    progress: (day - course.startsAt) / (course.endsAt - course.startsAt),
    daysToDeadline: next === undefined ? 14 : Math.floor((next.dueAt - day) / DAY),
  };
  const expected = visitsExpected(study) * course.definition.liveliness;
  const visits = Math.floor(expected) + (random.chance(expected % 1) ? 1 : 0);
  for (let visit = 0; visit < visits; visit += 1) {
    const at = visitStart(student.profile, day, random);
    if (at < telling.from) continue;
    if (course.definition.activity === 'last_access') telling.out.activity('last_access', at);
    else tellVisit(telling, at, done);
  }
}

/** A login, then some pages, now and then a word in the forum. */
function tellVisit({ key, random, out, pages }: Telling, start: LocalMillis, done: Set<string>): void {
  const { definition } = key.course;
  out.activity('login', start);
  let at = start + random.int(SECOND, 30 * SECOND);
  const open = pages.filter((page) => page.releasedAt <= at);
  const count = random.int(1, key.student.profile === 'diligent' ? 5 : 4);
  for (let view = 0; view < count && open.length > 0; view += 1) {
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
  if (random.chance(definition.forum)) out.activity('forum_post', at, { resourceId: `${definition.code}-forum` });
}

/** Mostly what is new, sometimes what was missed. */
function pagePicked(open: readonly Page[], random: Random): Page {
  const recent = open.slice(-6);
  return random.pick(random.chance(0.75) ? recent : open);
}

function tellWork(telling: Telling): void {
  const { key, random, out } = telling;
  const { course, student } = key;
  const marks: { at: LocalMillis; share: number }[] = [];
  for (const item of telling.work) {
    const progress = Math.min(1, (item.dueAt - course.startsAt) / (course.endsAt - course.startsAt));
    const lead = handInLead(student.profile, progress, random);
    if (lead === null || item.dueAt < telling.from) continue;
    const at = Math.max(telling.from + HOUR, item.opensAt + HOUR, Math.floor(item.dueAt - lead));
    const gradedAt = item.kind === 'quiz' ? tellQuiz(telling, item, at) : tellAssignment(telling, item, at);
    const fatigue = student.profile === 'fading' ? 0.25 * progress : 0;
    const mark = markFor(student.ability - fatigue, item.max, random);
    out.grade(item.title, mark, item.max, gradedAt);
    if (gradedAt <= course.endsAt) marks.push({ at: gradedAt, share: mark / item.max });
    tellWorkDone(telling, item, at, gradedAt, mark);
  }
  // The total is the mean so far, and every new mark makes a new row of it.
  let sum = 0;
  for (const [index, mark] of marks.sort((a, b) => a.at - b.at).entries()) {
    sum += mark.share;
    out.grade(COURSE_TOTAL, Math.round((sum / (index + 1)) * 10_000) / 100, 100, mark.at);
  }
}

/** One or two tries, marked at once; gives the time of the mark. */
function tellQuiz({ key, random, out }: Telling, item: WorkItem, first: LocalMillis): LocalMillis {
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
    at += length;
    if (attempt === tries) return at;
    at += random.int(10 * MINUTE, 2 * HOUR);
  }
}

/** Handed in once, seldom twice, marked some days later in working hours; gives the time of the mark. */
function tellAssignment({ key, random, out }: Telling, item: WorkItem, first: LocalMillis): LocalMillis {
  let at = first;
  const detail = { resourceId: item.resourceId, metadata: dueMetadata(item) };
  if (key.course.definition.activity === 'detailed') {
    out.activity('submission', at, detail);
    if (random.chance(0.06)) {
      at += random.int(HOUR, 20 * HOUR);
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
