import { readTable, wholeOrNull } from '../../services/sandbox/campus/oulad/dataset.ts';

/** One student in one course, with what both the sample campus and real data know: whole days from the course's start. */
export interface Study {
  /** The student could have been there from this day on. */
  readonly firstDay: number;
  /** The number of events on each day that had any. */
  readonly events: Map<number, number>;
  /** Whole days after the due date, negative before it. */
  readonly lateness: number[];
  /** Of 100. */
  readonly scores: number[];
}

/** A course seen from afar. */
export interface Shape {
  readonly students: number;
  /** Shares of student-weeks with 0, 1 to 2, 3 to 4 and 5 to 7 active days. */
  readonly weeks: readonly [number, number, number, number];
  /** Active days a week per student: 10th, 50th and 90th percentile. */
  readonly pace: readonly [number, number, number];
  /** Events per active day: 50th and 90th percentile. */
  readonly events: readonly [number, number];
  /** Share of students who were active once, but not in the last four weeks. */
  readonly fading: number;
  /** Shares of active days by weekday, beginning with the one on which the course started. */
  readonly weekdays: readonly number[];
  readonly late: number;
  /** Days after the due date: 10th, 50th and 90th percentile. */
  readonly lateness: readonly [number, number, number];
  readonly scoreQuartiles: readonly [number, number, number];
  /** Spearman's rank correlation of a student's active days and mean score. */
  readonly activityAndScore: number;
}

export const WEEKS = 10;
const DAYS = WEEKS * 7;
/** Days without activity at the end that count as faded. */
const SILENCE = 28;

export const newStudy = (firstDay = 0): Study => ({ firstDay, events: new Map(), lateness: [], scores: [] });

/** The shape of the first ten weeks, the age of the sample campus. */
export function shapeOf(all: readonly Study[]): Shape {
  const studies = all.filter(({ events }) => [...events.keys()].some(isInside));
  const activeDays = studies.map(({ events }) => [...events.keys()].filter(isInside));
  const events = studies.flatMap((study) =>
    [...study.events].flatMap(([day, count]) => (isInside(day) ? [count] : [])),
  );
  const lateness = studies.flatMap((study) => study.lateness);
  const scored = studies.flatMap(({ scores }, index) =>
    scores.length === 0 ? [] : [{ active: activeDays[index]?.length ?? 0, score: meanOf(scores) }],
  );
  return {
    students: studies.length,
    weeks: weekShares(studies),
    pace: three(
      activeDays.map((days) => days.length / WEEKS),
      [0.1, 0.5, 0.9],
    ),
    events: [quantile(events, 0.5), quantile(events, 0.9)],
    fading: meanOf(activeDays.map((days) => (Math.max(...days) < DAYS - SILENCE ? 1 : 0))),
    weekdays: weekdayShares(activeDays.flat()),
    late: meanOf(lateness.map((days) => (days > 0 ? 1 : 0))),
    lateness: three(lateness, [0.1, 0.5, 0.9]),
    scoreQuartiles: three(
      studies.flatMap((study) => study.scores),
      [0.25, 0.5, 0.75],
    ),
    activityAndScore: rankCorrelation(
      scored.map(({ active }) => active),
      scored.map(({ score }) => score),
    ),
  };
}

const isInside = (day: number): boolean => day >= 0 && day < DAYS;
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function weekShares(studies: readonly Study[]): [number, number, number, number] {
  const counts: [number, number, number, number] = [0, 0, 0, 0];
  for (const { firstDay, events } of studies) {
    for (let week = Math.ceil(Math.max(0, firstDay) / 7); week < WEEKS; week += 1) {
      const active = [0, 1, 2, 3, 4, 5, 6].filter((day) => events.has(7 * week + day)).length;
      counts[active === 0 ? 0 : active <= 2 ? 1 : active <= 4 ? 2 : 3] += 1;
    }
  }
  const total = counts[0] + counts[1] + counts[2] + counts[3];
  return [counts[0] / total, counts[1] / total, counts[2] / total, counts[3] / total];
}

const weekdayShares = (days: readonly number[]): number[] =>
  [0, 1, 2, 3, 4, 5, 6].map((weekday) => days.filter((day) => day % 7 === weekday).length / days.length);

/** Linear interpolation at (n − 1)p. */
function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * p;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  return below + (place % 1) * ((sorted[Math.ceil(place)] ?? below) - below);
}

type Three = readonly [number, number, number];
const three = (values: readonly number[], [a, b, c]: Three): Three => [
  quantile(values, a),
  quantile(values, b),
  quantile(values, c),
];

function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const mean = (x.length + 1) / 2;
  const product = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, rank, index) => sum + (rank - mean) * ((q[index] ?? mean) - mean), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

/** Equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const ranks = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (const index of order.slice(from, to)) ranks[index] = (from + to + 1) / 2;
    from = to;
  }
  return ranks;
}

/** The first ten weeks of a presentation; of its work, what was due in them, as it stood at their end. */
export async function ouladStudies(directory: string, presentation: string): Promise<Study[]> {
  const [module, code] = presentation.split('-');
  const isOurs = (row: { code_module: string; code_presentation: string }) =>
    row.code_module === module && row.code_presentation === code;
  const studies = new Map<string, Study>();
  for await (const row of readTable(directory, 'studentRegistration'))
    if (isOurs(row)) studies.set(row.id_student, newStudy(wholeOrNull(row.date_registration) ?? 0));
  for await (const row of readTable(directory, 'studentVle')) {
    const events = isOurs(row) ? studies.get(row.id_student)?.events : undefined;
    events?.set(Number(row.date), (events.get(Number(row.date)) ?? 0) + 1);
  }
  const due = new Map<string, number | null>();
  for await (const row of readTable(directory, 'assessments'))
    if (isOurs(row)) due.set(row.id_assessment, wholeOrNull(row.date));
  for await (const row of readTable(directory, 'studentAssessment')) {
    const [dueDay, day, score] = [due.get(row.id_assessment), Number(row.date_submitted), wholeOrNull(row.score)];
    const study = studies.get(row.id_student);
    if (study === undefined || dueDay === undefined || row.is_banked === '1' || day >= DAYS) continue;
    if (dueDay !== null && dueDay < DAYS) study.lateness.push(day - dueDay);
    if (score !== null) study.scores.push(score);
  }
  return [...studies.values()];
}
