import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { openSettings } from '#libs/families/settings.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel, type Step } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import type { OracleSettings } from '../support/oracle.ts';

/*
 * Bad days of a class, each in its own course, all in one history: they are loaded while midnight comes, then something
 * changes, then a week goes by, then the settings change. After each step everything equals the oracle. Days count from
 * the one that begins during the load.
 */

/** The rows of a course; students are numbered from 0. */
class Course {
  readonly #id: string;
  readonly #n: number;

  constructor(n: number) {
    this.#n = n;
    this.#id = courseId(n);
  }

  log(
    who: number,
    day: number,
    type = 'login',
    resource: string | null = null,
    metadata: object | null = null,
  ): WrittenRow {
    const row = { activity_type: type, resource_id: resource, duration_seconds: null, timestamp: at(day) };
    const text = metadata && JSON.stringify(metadata);
    return { table: 'activity_logs', row: { ...this.#key(who), ...row, metadata: text } };
  }

  grade(who: number, day: number, item: string, value: number): WrittenRow {
    const row = { grade_item: item, grade_value: String(value), grade_max: '100', timestamp: at(day) };
    return { table: 'grades', row: { ...this.#key(who), ...row } };
  }

  /** This many students, who come on every third day. */
  class(size: number, from = -60, to = 0): WrittenRow[] {
    const days = Array.from({ length: Math.floor((to - from) / 3) + 1 }, (_, n) => from + 3 * n);
    return students(size).flatMap((who) => days.map((day) => this.log(who, day)));
  }

  /** By this many students, from number `first` on. */
  handIn(size: number, day: number, resource: string, first = 0, metadata: object | null = null): WrittenRow[] {
    return students(size, first).map((who) => this.log(who, day, 'submission', resource, metadata));
  }

  #key(who: number) {
    return {
      student_id: `00000000-0000-4000-8000-00000${this.#n + 10}${String(who).padStart(5, '0')}`,
      course_id: this.#id,
    };
  }
}

const courseId = (n: number): string => `00000000-0000-4000-8000-000000000c${n + 10}`;
const at = (day: number): number => (FIRST_TODAY + day) * MS_PER_DAY + 36_000_000;
const students = (size: number, first = 0): number[] => Array.from({ length: size - first }, (_, n) => first + n);

/** The expected state of a course. */
interface Known {
  /** Whether anybody is compared with the class on the last day. */
  readonly isJudged: boolean;
  readonly sources: readonly string[];
  /** Items, with the day from which they are expected. */
  readonly expected: Readonly<Record<string, number>>;
  readonly grades: readonly (number | null)[];
  readonly missing: readonly number[];
  readonly absent: readonly number[];
  readonly low: readonly number[];
  readonly attention: readonly number[];
}

interface BadDay {
  readonly name: string;
  readonly rows: (course: Course) => WrittenRow[];
  /** Rows that are new, or replace those of `rows` by their index. */
  readonly change?: (course: Course, rows: readonly WrittenRow[]) => Change[];
  readonly loaded: Partial<Known>;
  readonly changed?: Partial<Known>;
  readonly aWeekLater?: Partial<Known>;
  /** With alarms from 2 points on, work expected once half of the class has it, and classes of five. */
  readonly otherSettings?: Partial<Known>;
}

type Change = { readonly place: number; readonly to: WrittenRow | null } | WrittenRow;

const replaced = (rows: readonly WrittenRow[], to: (row: WrittenRow) => WrittenRow | null | undefined): Change[] =>
  rows.flatMap((row, place) => {
    const changed = to(row);
    return changed === undefined ? [] : [{ place, to: changed }];
  });

const isSubmission = ({ row }: WrittenRow): boolean => 'activity_type' in row && row.activity_type === 'submission';

const BAD_DAYS: readonly BadDay[] = [
  {
    name: 'an item that 74 % and one that 75 % hand in',
    rows: (of) => [...of.class(100, -24), ...of.handIn(74, -20, 'by 74'), ...of.handIn(75, -20, 'by 75')],
    change: (of) => [of.log(74, -19, 'submission', 'by 74')],
    loaded: { expected: { 'by 75': -19 } },
    // Students who joined less than a week before do not owe it.
    changed: { expected: { 'by 75': -19, 'by 74': -18 }, missing: [] },
  },
  {
    name: 'a deadline that is moved, before and after it counted',
    rows: (of) => [...of.class(9), ...of.handIn(9, -20, 'r', 1, { due_at: '2026-03-05' })],
    change: (_, rows) =>
      replaced(rows, (row) =>
        isSubmission(row)
          ? ({ ...row, row: { ...row.row, metadata: '{"due_at": "2026-04-30"}' } } as WrittenRow)
          : undefined,
      ),
    loaded: { expected: { r: -19 }, missing: [0] },
    changed: { expected: { r: -19 }, missing: [0] },
  },
  {
    name: 'a resource that is withdrawn: while its submissions stand it stays expected, and no longer when they go',
    rows: (of) => [...of.class(9), ...of.handIn(9, -20, 'r', 1), ...of.handIn(9, -10, 's', 1)],
    change: (_, rows) =>
      replaced(rows, (row) =>
        isSubmission(row) && 'resource_id' in row.row && row.row.resource_id === 's' ? null : undefined,
      ),
    loaded: { expected: { r: -19, s: -9 }, missing: [0] },
    changed: { expected: { r: -19 }, missing: [0] },
    aWeekLater: { expected: { r: -19 }, missing: [0] },
  },
  {
    name: 'the whole class is regraded, each grade where it stood',
    rows: (of) => [...of.class(12), ...students(12).map((who) => of.grade(who, -20, 'Essay', who === 0 ? 45 : 70))],
    change: (_, rows) =>
      replaced(rows, (row) =>
        row.table === 'grades' ? { ...row, row: { ...row.row, grade_value: '46' } } : undefined,
      ),
    loaded: { sources: ['grade'], grades: [14_000], low: [0] },
    changed: { grades: [9_200], low: [] },
  },
  {
    name: 'the whole class is regraded today: own grades count at once, the class from tomorrow on',
    rows: (of) => [...of.class(12), ...students(12).map((who) => of.grade(who, -20, 'Essay', 70))],
    change: (of) => students(12).map((who) => of.grade(who, 0, 'Essay', 55)),
    loaded: { grades: [14_000], low: [] },
    changed: { grades: [14_000], low: students(12) },
    aWeekLater: { grades: [14_000, 11_000], low: [] },
  },
  {
    name: 'hand-ins as completions alone',
    rows: (of) => [
      ...of.class(9),
      ...students(9).map((who) => of.log(who, -30, 'completion', 'c', { state: 0 })),
      ...students(9, 1).map((who) => of.log(who, -12, 'completion', 'c', { state: 1 })),
    ],
    change: (of) => [of.log(0, -5, 'completion', 'c', { state: 1 })],
    loaded: { sources: ['completion'], expected: { c: -11 }, missing: [0] },
    changed: { expected: { c: -11 }, missing: [] },
  },
  {
    name: 'submissions that begin in mid-course: the source changes with them',
    rows: (of) => [
      ...of.class(9),
      ...students(9).map((who) => of.log(who, -30, 'completion', 'c', { state: 0 })),
      ...students(9, 1).map((who) => of.log(who, -25, 'completion', 'c', { state: 1 })),
    ],
    change: (of) => of.handIn(8, -8, 's'),
    loaded: { sources: ['completion'], missing: [0] },
    changed: { sources: ['completion', 'submission'], expected: { c: -24, s: -7 }, missing: [8] },
  },
  {
    name: 'who joins in week 6 is asked for what is expected from then on',
    rows: (of) => [...of.class(9), ...of.handIn(9, -20, 'before'), of.log(9, -18), of.log(9, -17)],
    change: (of) => of.handIn(9, -3, 'after'),
    loaded: { missing: [], absent: [9] },
    changed: { expected: { before: -19, after: -2 }, missing: [9], attention: [9] },
  },
  {
    name: 'everybody stops but one: nothing is judged, and everything closes',
    rows: (of) => [...of.class(9, -60, -33), ...of.handIn(9, -45, 'r', 1), ...of.class(1, -30)],
    change: (of) => students(9, 1).map((who) => of.log(who, -2)),
    loaded: { isJudged: false, missing: [], absent: [], attention: [] },
    // They come back, after all were away.
    changed: { isJudged: true, missing: [0] },
  },
  {
    name: 'a class of seven, and of eight with one who was there all the while',
    rows: (of) => [...of.class(7), ...of.handIn(7, -20, 'r', 1)],
    change: (of) => [...of.class(8).slice(-21), of.log(7, -20, 'submission', 'r')],
    loaded: { isJudged: false, expected: {}, missing: [] },
    changed: { isJudged: true, expected: { r: -19 }, missing: [0] },
  },
  {
    name: 'a class of six, and an item that half hand in: by other settings',
    rows: (of) => [...of.class(6), ...of.handIn(3, -20, 'r')],
    loaded: { isJudged: false },
    aWeekLater: { isJudged: false },
    otherSettings: { isJudged: true, expected: { r: -19 }, missing: [3, 4, 5], attention: [3, 4, 5] },
  },
];

const PHASES = ['loaded', 'changed', 'aWeekLater', 'otherSettings'] as const;
type Phase = (typeof PHASES)[number];
const known = new Map<Phase, ReadonlyMap<string, Known>>();
const differing = new Map<Phase, unknown>();
let world: World;

afterAll(() => world.drop());

async function note(phase: Phase, model: SourceModel, settings: Omit<OracleSettings, 'today'> = {}): Promise<void> {
  differing.set(phase, (await world.differences(model, settings)).slice(0, 5));
  const rows = await world.db.query<Known & { id: string; expected: { item: string; from: LocalDay }[] }>(
    `SELECT source_id AS id, usual[cardinality(usual)] IS NOT NULL AS "isJudged", expected,
       jsonb_path_query_array(sources, '$[*].source') AS sources, jsonb_path_query_array(grades, '$[*].grade') AS grades,
       open.*
     FROM state.course_class JOIN course USING (course_id)
     CROSS JOIN LATERAL (
       SELECT ${(['missing_work', 'absent', 'low_marks', 'attention'] as const)
         .map(
           (flag) =>
             `coalesce(array_agg(who ORDER BY who) FILTER (WHERE ${flag} IS NOT NULL), '{}') AS "${flag.split('_')[0]}"`,
         )
         .join(', ')}
       FROM anomaly_features JOIN (SELECT student_id, right(source_id::text, 5)::integer AS who FROM student) AS named USING (student_id)
       WHERE course_id = course_class.course_id
     ) AS open`,
  );
  const named = rows.map(({ id, expected, ...of }) => {
    const items = expected.map(({ item, from }) => [item, from - FIRST_TODAY]);
    return [id, { ...of, expected: Object.fromEntries(items) as Known['expected'] }] as const;
  });
  known.set(phase, new Map(named));
}

beforeAll(async () => {
  world = await World.create('class_days');
  const model = new SourceModel(FIRST_TODAY - 1);
  const old = await openSettings(loadConfig({}), world.db);
  await adoptSettings(world.db, old);
  await beginCalendar(world.db, model.today);
  const courses = BAD_DAYS.map((_, n) => new Course(n));
  const rows = BAD_DAYS.map(({ rows: of }, n) => of(courses[n] as Course));
  let slot = 0;
  const write = (written: WrittenRow, at = slot++): void =>
    model.apply({ kind: 'write', slot: at, written, toast: false });
  const places = rows.map((all) =>
    all.map((row) => {
      write(row);
      return slot - 1;
    }),
  );
  const half = model.changes.length >> 1;
  const batches = Array.from({ length: Math.ceil(half / 200) }, (_, n) => model.changes.slice(200 * n, 200 * (n + 1)));
  model.today += 1;
  const loads = [
    batches.map((changes) => ({ changes })),
    [{ changes: model.changes.slice(200 * batches.length) }, () => rollOver(world.db, model.today)],
  ];
  await world.run(loads, old, { keysPerBatch: 20 });
  await note('loaded', model);

  const before = model.changes.length;
  for (const [n, { change }] of BAD_DAYS.entries()) {
    for (const step of change?.(courses[n] as Course, rows[n] ?? []) ?? []) {
      if ('row' in step) write(step);
      else if (step.to !== null) write(step.to, places[n]?.[step.place]);
      else model.apply({ kind: 'delete', table: 'activity_logs', slot: places[n]?.[step.place] ?? 0 } satisfies Step);
    }
  }
  await stageBatch(world.db, { changes: model.changes.slice(before) }, old.reading);
  await deriveAll(world.db, old);
  await note('changed', model);

  model.today += 7;
  await rollOver(world.db, model.today);
  await deriveAll(world.db, old);
  await note('aWeekLater', model);

  const env = {
    ATTENTION_OPEN_POINTS: '2',
    ATTENTION_CLOSE_POINTS: '1',
    ATTENTION_EXPECTED_SHARE: '50',
    ATTENTION_LEAST_CLASS: '5',
  };
  const other = await openSettings(loadConfig(env), world.db);
  expect(await adoptSettings(world.db, other)).toHaveLength(4);
  await deriveAll(world.db, other);
  await note('otherSettings', model, {
    attention_open: '2',
    attention_close: '1',
    expected_share: '0.5',
    least_class: '5',
  });
}, 120_000);

test.each(PHASES)('%s: equal to the oracle', (phase) => {
  expect(differing.get(phase)).toEqual([]);
});

test.each(BAD_DAYS.map((day, n) => [day.name, n, day] as const))('%s', (_, n, day) => {
  const found = PHASES.map((phase) => [phase, day[phase] && known.get(phase)?.get(courseId(n))]);
  expect(found).toMatchObject(PHASES.map((phase) => [phase, day[phase]]));
});
