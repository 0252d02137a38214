import { createReadStream, existsSync } from 'node:fs';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { checkDirectory, readTable, wholeOrNull } from '../../services/sandbox/campus/oulad/dataset.ts';
import { dayZero, surveyPresentation } from '../../services/sandbox/campus/oulad/presentation.ts';
import { judgeClass, type KeyImages } from './judge.ts';
import type { Outcome, Student } from './measures.ts';

/** A presentation of the data set. */
export interface JudgedCourse {
  readonly students: readonly Student[];
  /** The first and the last day on which it is taught. */
  readonly firstDay: LocalDay;
  readonly lastDay: LocalDay;
}

type Mutable<T> = { [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

/** Every student of a presentation, judged as of its end, with their outcomes. */
export async function judgePresentation(directory: string, name: string): Promise<JudgedCourse> {
  checkDirectory(directory);
  const presentation = await surveyPresentation(directory, name);
  const { module, code, assessments } = presentation;
  const zero = dayZero(presentation, 'none');
  const at = (day: number | string): number => zero + Number(day) * MS_PER_DAY;
  const isOurs = (row: { code_module: string; code_presentation: string }): boolean =>
    row.code_module === module && row.code_presentation === code;
  const keys = new Map<string, Mutable<KeyImages>>();
  // Rows are kept per student, so the ids need not tell students apart.
  const ids = { student_id: 1, course_id: 1 };
  for await (const row of readTable(directory, 'studentRegistration')) {
    if (!isOurs(row)) continue;
    const day = wholeOrNull(row.date_registration);
    const enrollment = { ...ids, enrolled_at: day === null ? null : at(day) };
    keys.set(row.id_student, { enrollments: [enrollment], activities: [], grades: [] });
  }
  const event = { ...ids, duration_seconds: null, metadata: null };
  for await (const row of readTable(directory, 'studentVle')) {
    if (!isOurs(row)) continue;
    const view = { ...event, activity_type: 'view', resource_id: row.id_site, timestamp: at(row.date) };
    keys.get(row.id_student)?.activities.push(view);
  }
  for await (const row of readTable(directory, 'studentAssessment')) {
    const assessment = assessments.get(row.id_assessment);
    const key = keys.get(row.id_student);
    if (assessment === undefined || key === undefined) continue;
    const timestamp = at(row.date_submitted);
    const submission = { ...event, activity_type: 'submission', resource_id: assessment.id, timestamp };
    if (row.is_banked !== '1') key.activities.push(submission);
    const item = `${assessment.type} ${assessment.id}`;
    key.grades.push({ ...ids, grade_item: item, grade_value: row.score || null, grade_max: '100', timestamp });
  }
  const lastDay = Math.floor(zero / MS_PER_DAY) + presentation.lastDay;
  const outcomes = await readOutcomes(directory, name, zero);
  const judged = judgeClass([...keys.values()], lastDay);
  const students = [...keys.keys()].flatMap((id, index): Student[] => {
    const [days, outcome] = [judged[index] ?? null, outcomes.get(id)];
    return days === null || outcome === undefined ? [] : [{ ...outcome, days }];
  });
  return { students, firstDay: Math.floor(zero / MS_PER_DAY), lastDay };
}

const RESULTS: Readonly<Record<string, Outcome['result']>> = {
  Pass: 'passed',
  Distinction: 'passed',
  Fail: 'failed',
  Withdrawn: 'withdrew',
};

async function readOutcomes(directory: string, name: string, zero: number): Promise<Map<string, Outcome>> {
  const left = new Map<string, LocalDay>();
  for await (const row of rowsOf(directory, 'studentRegistration', name)) {
    const day = wholeOrNull(row['date_unregistration'] ?? '');
    if (day !== null) left.set(row['id_student'] ?? '', Math.floor(zero / MS_PER_DAY) + day);
  }
  const outcomes = new Map<string, Outcome>();
  for await (const row of rowsOf(directory, 'studentInfo', name)) {
    const [id = '', result] = [row['id_student'], RESULTS[row['final_result'] ?? '']];
    if (result !== undefined)
      outcomes.set(id, { result, leftOn: result === 'withdrew' ? (left.get(id) ?? null) : null });
  }
  return outcomes;
}

/** Rows of a table that only this report reads. */
async function* rowsOf(directory: string, table: string, name: string): AsyncGenerator<Record<string, string>> {
  const packed = path.join(directory, `${table}.csv.gz`);
  const rows = existsSync(packed)
    ? createReadStream(packed)
        .pipe(createGunzip())
        .pipe(parse({ columns: true, bom: true }))
    : createReadStream(path.join(directory, `${table}.csv`)).pipe(parse({ columns: true, bom: true }));
  for await (const row of rows as AsyncIterable<Record<string, string>>)
    if (`${row['code_module']}-${row['code_presentation']}` === name) yield row;
}
