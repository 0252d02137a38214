import { randomUUID } from 'node:crypto';
import { formatDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { askOracle, type OracleSettings, type PrintedFeatures } from '../support/oracle.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';

/** Days are counted from this one. */
const DAY_0 = parseDay('2024-01-01');
export const date = (day: number): string => formatDay(DAY_0 + day);
const at = (day: number, second = 0): string => new Date((DAY_0 + day) * MS_PER_DAY + second * 1000).toISOString();

/** Makes a day's score its number of logins: only logins have a weight, and the target of 700 a week is 100 a day. */
const SCORES_ARE_LOGINS = { engagement_weights: '1,0,0,0', engagement_targets: '700,3600,2,10' };

export const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
export const days = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

/** The alarm and its reasons, all unknown in a course with fewer than eight attending students. */
export const ATTENTION = ['absent', 'attention', 'low_marks', 'missing_work'];

/** Names of `count` students. */
export const students = (count: number, name = 'classmate'): string[] => days(1, count).map((n) => `${name} ${n}`);

export type Grade = readonly [item: string, value: number, day: number, max?: number];

/** The class numbers of one day; `expected` and `grades` by item. */
export interface ClassDay {
  readonly attending: number;
  readonly usual: number | null;
  readonly source: string | null;
  readonly expected: Readonly<Record<string, string>>;
  readonly grades: Readonly<Record<string, number>>;
}

/** Source tables made by hand, and the oracle's answers for them. Names stand for ids. */
export class FlagSource {
  readonly #source: TestDatabase;
  readonly #ids = new Map<string, string>();
  #answer: Pick<PrintedFeatures, 'anomaly' | 'temporal' | 'classes' | 'attention'> = {
    anomaly: [],
    temporal: [],
    classes: [],
    attention: [],
  };

  private constructor(source: TestDatabase) {
    this.#source = source;
  }

  static async create(purpose: string): Promise<FlagSource> {
    return new FlagSource(await createSourceDatabase(purpose, LAX_SOURCE_SCHEMA));
  }

  drop(): Promise<void> {
    return this.#source.drop();
  }

  async clear(): Promise<void> {
    await this.#source.db.query('TRUNCATE enrollments, grades, activity_logs');
    this.#ids.clear();
  }

  id(name: string): string {
    const known = this.#ids.get(name) ?? randomUUID();
    this.#ids.set(name, known);
    return known;
  }

  /** Writes daily scores; the first is for day `from`. */
  async scores(student: string, course: string, scores: readonly number[], from = 0): Promise<void> {
    await this.#source.db.query(
      `INSERT INTO activity_logs (id, student_id, course_id, activity_type, "timestamp")
       SELECT gen_random_uuid(), $1, $2, 'login', $3::timestamptz AT TIME ZONE 'UTC' + (place - 1) * interval '1 day' + n * interval '1 second'
       FROM unnest($4::int[]) WITH ORDINALITY AS s (score, place) CROSS JOIN LATERAL generate_series(1, score) AS n`,
      [this.id(student), this.id(course), at(from), scores],
    );
  }

  /** Writes an event on each of these days that gives no score and hands nothing in. */
  async active(student: string, course: string, on: readonly number[]): Promise<void> {
    await this.#log(
      student,
      course,
      'calendar_opened',
      on.map((day) => [day, 'r', {}]),
    );
  }

  /** The same for each of these students. */
  async allActive(group: readonly string[], course: string, on: readonly number[]): Promise<void> {
    for (const student of group) await this.active(student, course, on);
  }

  /** Writes completion states, each on a day or at a time in UTC. */
  async completion(
    student: string,
    course: string,
    states: readonly (readonly [day: number | string, state: number])[],
    resource = 'r',
  ): Promise<void> {
    await this.#log(
      student,
      course,
      'completion',
      states.map(([day, state]) => [day, resource, { state }]),
    );
  }

  /** Each of these students hands the items in on these days. */
  async submissions(
    group: readonly string[],
    course: string,
    items: readonly (readonly [item: string, day: number])[],
    type: 'submission' | 'quiz_attempt' = 'submission',
  ): Promise<void> {
    for (const student of group) {
      await this.#log(
        student,
        course,
        type,
        items.map(([item, day]) => [day, item, {}]),
      );
    }
  }

  async #log(
    student: string,
    course: string,
    type: string,
    rows: readonly (readonly [time: number | string, resource: string, metadata: object])[],
  ): Promise<void> {
    await this.#source.db.query(
      `INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, "timestamp", metadata)
       SELECT gen_random_uuid(), $1, $2, $3, resource, time::timestamptz AT TIME ZONE 'UTC', metadata::jsonb
       FROM unnest($4::text[], $5::text[], $6::text[]) AS r (time, resource, metadata)`,
      [
        this.id(student),
        this.id(course),
        type,
        rows.map(([time]) => (typeof time === 'string' ? time : at(time, 3600))),
        rows.map(([, resource]) => resource),
        rows.map(([, , metadata]) => JSON.stringify(metadata)),
      ],
    );
  }

  async enrol(student: string, course: string, day: number | null): Promise<void> {
    await this.#source.db.query(
      `INSERT INTO enrollments (id, student_id, course_id, enrolled_at)
       VALUES (gen_random_uuid(), $1, $2, $3::timestamptz AT TIME ZONE 'UTC')`,
      [this.id(student), this.id(course), day === null ? null : at(day)],
    );
  }

  /** Writes grades, out of 100 unless a max is given. */
  async grades(student: string, course: string, grades: readonly Grade[]): Promise<void> {
    for (const [item, value, day, max = 100] of grades) {
      await this.#source.db.query(
        `INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
         VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6::timestamptz AT TIME ZONE 'UTC')`,
        [this.id(student), this.id(course), item, value, max, at(day, 7200)],
      );
    }
  }

  async ask(today: number, settings: Omit<OracleSettings, 'today'> = {}): Promise<void> {
    this.#answer = await askOracle(this.#source.address, 'public', {
      today: DAY_0 + today,
      ...SCORES_ARE_LOGINS,
      ...settings,
    });
  }

  #row(student: string, course: string): Readonly<Record<string, string | null>> {
    const [row, second] = this.#answer.anomaly.filter(
      (candidate) => candidate['student_id'] === this.id(student) && candidate['course_id'] === this.id(course),
    );
    if (row === undefined || second !== undefined) throw new Error(`not one row of ${student} in ${course}`);
    return row;
  }

  /** A flag as of the last day; null if it is not open. */
  flag(student: string, name: string, course = 'course'): unknown {
    const text = this.#row(student, course)[name];
    if (text === undefined) throw new Error(`no column ${name}`);
    return text === null ? null : JSON.parse(text);
  }

  unsupported(student: string, course = 'course'): string[] {
    return names(this.#row(student, course)['unsupported']);
  }

  /** The open flags of each day that has a row. */
  flags(student: string, course = 'course'): Map<number, string[]> {
    const rows = this.#answer.temporal.filter(
      (row) => row['student_id'] === this.id(student) && row['course_id'] === this.id(course),
    );
    return new Map(rows.map((row) => [parseDay(row['feature_date'] ?? '') - DAY_0, names(row['anomaly_flags'])]));
  }

  /** The class numbers of a day; undefined if the course has none. */
  classDay(day: number, course = 'course'): ClassDay | undefined {
    const row = this.#answer.classes.find(
      (candidate) => candidate['course_id'] === this.id(course) && candidate['day'] === date(day),
    );
    if (row === undefined) return undefined;
    return {
      attending: Number(row['attending']),
      usual: row['usual'] == null ? null : Number(row['usual']),
      source: row['work_source'] ?? null,
      expected: JSON.parse(row['expected'] ?? ''),
      grades: JSON.parse(row['class_grades'] ?? ''),
    };
  }

  /** The ids of the students in the attention list, in order. */
  listed(): (string | null | undefined)[] {
    return this.#answer.attention.map((row) => row['student_id']);
  }

  /** The days as of which a flag is open. */
  openDays(student: string, name: string, course = 'course'): number[] {
    return [...this.flags(student, course)].filter(([, open]) => open.includes(name)).map(([day]) => day);
  }
}

/** Parses a text array as printed by Postgres, of words that need no quotes. */
function names(printed: string | null | undefined): string[] {
  if (printed == null) throw new Error('an array is never null');
  return printed
    .slice(1, -1)
    .split(',')
    .filter((name) => name !== '');
}
