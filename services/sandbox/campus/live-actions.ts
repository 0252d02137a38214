import type { LocalMillis } from '#libs/domain/change.ts';
import { loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { markFor, stay } from './behaviour.ts';
import { type CoursePage, dueMetadata, pagesOf, type WorkItem, workOf } from './catalogue.ts';
import { COURSE_TOTAL } from './history.ts';
import { dawdles, presenceOf, talks } from './live-presence.ts';
import type { LiveKey, LiveState } from './live-state.ts';
import { DAY, SECOND, timestampText } from './local-time.ts';
import type { Random } from './random.ts';
import { lineIn } from './stories/index.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), [
  'live_key',
  'live_activity',
  'live_grade',
  'live_regrade',
  'live_delete_view',
  'live_enroll',
]);

/** One moment of the living campus: what an action reads and writes with. */
export interface Moment {
  readonly tx: Queryable;
  readonly state: LiveState;
  readonly random: Random;
  /** The source's own clock. */
  readonly now: LocalMillis;
}

/** Writes something and says what; null if there was nothing of its kind to do. */
type Action = (moment: Moment) => Promise<string | null>;

/** What happened, and a sentence about it. */
export interface Deed {
  readonly kind: LiveKind;
  readonly sentence: string;
}

const MOST_VISITS = 25;
/** Enough to find one of the few students who are awake at night. */
const MOST_ATTEMPTS = 60;

interface KeyAnswer {
  readonly submitted: readonly string[];
  readonly done: readonly string[];
  readonly grades: readonly { id: string; item: string; value: number | null; max: number }[];
}

async function look({ tx }: Moment, key: LiveKey): Promise<KeyAnswer> {
  const [answer] = await tx.query<KeyAnswer>(sql.live_key, [key.student.id, key.course.id]);
  return answer ?? { submitted: [], done: [], grades: [] };
}

interface ActivityDetail {
  readonly resourceId?: string;
  readonly durationSeconds?: number | null;
  readonly metadata?: Readonly<Record<string, string | number>>;
}

async function activity({ tx, now }: Moment, key: LiveKey, type: string, detail: ActivityDetail = {}): Promise<void> {
  await tx.query(sql.live_activity, [
    key.student.id,
    key.course.id,
    type,
    timestampText(now),
    detail.resourceId ?? null,
    detail.durationSeconds ?? null,
    detail.metadata === undefined ? null : JSON.stringify(detail.metadata),
  ]);
}

/** A new row for the item, and one for the course total that follows from it. */
async function grade(moment: Moment, key: LiveKey, item: WorkItem, value: number): Promise<void> {
  const before = (await look(moment, key)).grades.filter((row) => row.item !== item.title);
  await gradeRow(moment, key, item.title, value, item.max);
  await total(moment, key, [...before, { item: item.title, value, max: item.max }]);
}

async function total(
  moment: Moment,
  key: LiveKey,
  grades: readonly { item: string; value: number | null; max: number }[],
): Promise<void> {
  const shares = grades.flatMap(({ item, value, max }) =>
    item !== COURSE_TOTAL && value !== null && value > 0 ? [value / max] : [],
  );
  const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
  await gradeRow(moment, key, COURSE_TOTAL, Math.round(mean * 10_000) / 100, 100);
}

async function gradeRow({ tx, now }: Moment, key: LiveKey, item: string, value: number, max: number): Promise<void> {
  await tx.query(sql.live_grade, [key.student.id, key.course.id, timestampText(now), item, value, max]);
}

const detailed = (key: LiveKey): boolean => key.course.definition.activity === 'detailed';

/** A key to which something is done, whether or not the student is there. */
const someKey = ({ state, random }: Moment, wanted: (key: LiveKey) => boolean = detailed): LiveKey | null => {
  for (let attempt = 0; attempt < MOST_ATTEMPTS && state.keys.length > 0; attempt += 1) {
    const key = random.pick(state.keys);
    if (wanted(key)) return key;
  }
  return null;
};

/** A student who does something now, as likely as their story says. */
const somebody = (moment: Moment, wanted: (key: LiveKey) => boolean = detailed): LiveKey | null =>
  someKey(moment, (key) => wanted(key) && moment.random.chance(presenceOf(key, moment.now)));

const openPages = ({ now }: Moment, key: LiveKey): CoursePage[] =>
  pagesOf(key.course.definition, key.course.startsAt, Math.max(now, key.course.startsAt));

const openWork = ({ now }: Moment, key: LiveKey, kind: WorkItem['kind']): WorkItem[] =>
  workOf(key.course.definition, key.course.startsAt, Math.max(now, key.course.startsAt)).filter(
    (item) => item.kind === kind && item.opensAt <= now,
  );

/** What the student may hand in by now; those who dawdle only hand in late. */
const workFor = (moment: Moment, key: LiveKey, kind: WorkItem['kind']): WorkItem[] =>
  openWork(moment, key, kind).filter((item) => !dawdles(key) || item.dueAt < moment.now);

/** A visitor opens another page, or a new visitor comes. */
const click: Action = async (moment) => {
  const { state, random } = moment;
  if (state.visits.length === 0 || (state.visits.length < MOST_VISITS && random.chance(0.2))) return arrive(moment);
  const visit = random.pick(state.visits);
  visit.clicks -= 1;
  if (visit.clicks <= 0) state.visits.splice(state.visits.indexOf(visit), 1);
  const { key } = visit;
  const page = random.pick(openPages(moment, key).slice(random.chance(0.8) ? -6 : 0));
  const seconds = Math.round(stay(random) / SECOND);
  await activity(moment, key, 'view', {
    resourceId: page.resourceId,
    durationSeconds: key.course.definition.durations ? seconds : null,
  });
  return `${key.student.name} opened ${page.title} in ${key.course.name}`;
};

const arrive: Action = async (moment) => {
  const key = somebody(moment, () => true);
  if (key === null) return null;
  if (!detailed(key)) {
    await activity(moment, key, 'last_access');
    return `${key.student.name} was seen on the site, says ${key.course.name}`;
  }
  moment.state.visits.push({ key, clicks: moment.random.int(2, 12) });
  await activity(moment, key, 'login');
  return `${key.student.name} came into ${key.course.name}`;
};

const post: Action = async (moment) => {
  const key = somebody(moment, (each) => each.course.definition.forum > 0 && talks(each, moment.now));
  if (key === null) return null;
  await activity(moment, key, 'forum_post', { resourceId: `${key.course.definition.code}-forum` });
  return `${key.student.name} wrote in the forum of ${key.course.name}`;
};

const submit: Action = async (moment) => {
  const { state, random, now } = moment;
  const key = somebody(moment);
  if (key === null) return null;
  const { submitted } = await look(moment, key);
  const recent = workFor(moment, key, 'assignment').slice(-2);
  const item = recent.find((each) => !submitted.includes(each.resourceId)) ?? recent.at(-1);
  if (item === undefined) return null;
  await activity(moment, key, 'submission', { resourceId: item.resourceId, metadata: dueMetadata(item) });
  if (key.course.definition.completions === 'done') await complete(moment, key, item.resourceId, 1);
  state.pending.push({ key, resourceId: item.resourceId, readyAt: now + random.int(20, 120) * SECOND });
  const again = submitted.includes(item.resourceId) ? ' once more' : '';
  const days = Math.ceil((now - item.dueAt) / DAY);
  const late = days > 0 ? `, ${days === 1 ? 'a day' : `${days} days`} late` : '';
  return `${key.student.name} handed in ${item.title}${again} in ${key.course.name}${late}`;
};

const complete = (moment: Moment, key: LiveKey, resourceId: string, state: number): Promise<void> =>
  activity(moment, key, 'completion', { resourceId, metadata: { state } });

/** The mark, and with full tracking whether it passes. */
async function mark(moment: Moment, key: LiveKey, item: WorkItem): Promise<number> {
  const value = markFor(0.4 + 0.5 * moment.random.next(), item.max, moment.random);
  await grade(moment, key, item, value);
  if (key.course.definition.completions === 'full')
    await complete(moment, key, item.resourceId, value / item.max >= 0.5 ? 2 : 3);
  return value;
}

const quiz: Action = async (moment) => {
  const key = somebody(moment, (each) => each.course.definition.quizMax !== null);
  const item = key === null ? undefined : workFor(moment, key, 'quiz').at(-1);
  if (key === null || item === undefined) return null;
  await activity(moment, key, 'quiz_attempt', {
    resourceId: item.resourceId,
    durationSeconds: key.course.definition.durations ? moment.random.int(240, 1500) : null,
  });
  const value = await mark(moment, key, item);
  return `${key.student.name} got ${value} of ${item.max} in ${item.title} of ${key.course.name}`;
};

const giveMark: Action = async (moment) => {
  const index = moment.state.pending.findIndex((each) => each.readyAt <= moment.now);
  const [pending] = index < 0 ? [] : moment.state.pending.splice(index, 1);
  if (pending === undefined) return null;
  const { key, resourceId } = pending;
  const item = openWork(moment, key, 'assignment').find((each) => each.resourceId === resourceId);
  if (item === undefined) return null;
  const value = await mark(moment, key, item);
  return `${key.student.name} was given ${value} of ${item.max} for ${item.title} in ${key.course.name}`;
};

const regrade: Action = async (moment) => {
  const { tx, random, now } = moment;
  const key = someKey(moment, () => true);
  if (key === null) return null;
  const { grades } = await look(moment, key);
  const given = grades.filter((row) => row.item !== COURSE_TOTAL && (row.value ?? 0) > 0);
  if (given.length === 0) return null;
  const old = random.pick(given);
  const step = Math.max(0.5, Math.round(old.max * 0.05 * 2) / 2);
  const value = (old.value ?? 0) + step > old.max ? old.max - step : (old.value ?? 0) + step;
  await tx.query(sql.live_regrade, [old.id, value, timestampText(now)]);
  const others = grades.filter((row) => row !== old);
  await total(moment, key, [...others, { ...old, value }]);
  return `${old.item} of ${key.student.name} in ${key.course.name} was changed from ${old.value} to ${value}`;
};

const remove: Action = async (moment) => {
  const key = someKey(moment);
  if (key === null) return null;
  const gone = await moment.tx.query(sql.live_delete_view, [key.student.id, key.course.id]);
  return gone.length === 0 ? null : `the last view of ${key.student.name} in ${key.course.name} was deleted`;
};

const enroll: Action = async (moment) => {
  const { tx, state, random, now } = moment;
  if (state.students.length === 0 || state.courses.length === 0) return null;
  const student = random.pick(state.students);
  const course = random.pick(state.courses);
  if (state.keys.some((key) => key.student.id === student.id && key.course.id === course.id)) return null;
  const key = { student, course, line: lineIn(student.lines, course.id) };
  // A student who is gone does not begin a new course.
  if (presenceOf(key, now) === 0) return null;
  await tx.query(sql.live_enroll, [student.id, course.id, random.chance(0.1) ? null : timestampText(now)]);
  state.keys.push(key);
  return `${student.name} joined ${course.name}`;
};

const tickOff: Action = async (moment) => {
  const key = somebody(moment, (each) => each.course.definition.completions !== 'none');
  if (key === null) return null;
  const { done } = await look(moment, key);
  const page = openPages(moment, key).find((each) => each.tracked && !done.includes(each.resourceId));
  if (page === undefined) return null;
  await complete(moment, key, page.resourceId, 1);
  return `${key.student.name} completed ${page.title} in ${key.course.name}`;
};

/** Each kind with its share of what happens, roughly in per cent. */
const ACTIONS = {
  click: { run: click, weight: 70 },
  forum_post: { run: post, weight: 6 },
  submission: { run: submit, weight: 6 },
  quiz: { run: quiz, weight: 4 },
  grade: { run: giveMark, weight: 6 },
  completion: { run: tickOff, weight: 4 },
  regrade: { run: regrade, weight: 1.5 },
  deletion: { run: remove, weight: 1 },
  enrollment: { run: enroll, weight: 0.6 },
} as const satisfies Record<string, { run: Action; weight: number }>;

export type LiveKind = keyof typeof ACTIONS;

export const LIVE_KINDS = Object.keys(ACTIONS) as LiveKind[];

/** Does one randomly chosen thing; if there is nothing of that kind to do, a click. Null only if that is not possible either. */
export async function act(moment: Moment): Promise<Deed | null> {
  const kind = LIVE_KINDS[moment.random.weighted(LIVE_KINDS.map((each) => ACTIONS[each].weight))] ?? 'click';
  const sentence = await ACTIONS[kind].run(moment);
  if (sentence !== null) return { kind, sentence };
  const instead = await click(moment);
  return instead === null ? null : { kind: 'click', sentence: instead };
}
