import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { formatDay } from '#libs/domain/local-date.ts';
import { readStoredSettings } from '#libs/families/stored-settings.ts';
import { TYPE_OF_UNIT } from '#libs/features/units.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, known, ourId, sourceId } from '#libs/serve/answers.ts';
import { CATALOGUE, catalogueAnswer } from '#libs/serve/catalogue/index.ts';
import { NotFoundError } from '#libs/serve/errors.ts';
import { type Entity, findEntity } from '#libs/serve/identity.ts';
import { courseId, studentId } from '#libs/serve/parameters.ts';
import { readClasses } from '#libs/store/features/class-table.ts';
import { readToday } from '#libs/store/keys/calendar.ts';
import { readCourses } from '#libs/store/keys/keys.ts';
import { COLUMN_NAMES, columnOf, type Explained, explainColumn, type FeatureColumn } from './explanation.ts';
import { groundsOf } from './grounds.ts';
import { CHANGE_CODES, EFFECT_CODES } from './parts.ts';
import { MOST_LISTED } from './row-list.ts';
import { READ_TABLES, readableRows, readSourceRows } from './source-rows.ts';

export const explainParams = z.strictObject({
  student: studentId,
  course: courseId,
  feature: z.string().meta({ description: 'A column of the data catalogue' }),
});

const table = z.enum(READ_TABLES);
const at = known(z.iso.datetime({ precision: 3 }), 'The time of the row; null where it says none, or does not read');
const count = z.int().min(0).meta({ description: 'How many there are, listed or not' });

export const explainAnswer = z
  .strictObject({
    student_id: ourId,
    student_source_id: sourceId,
    course_id: ourId,
    course_source_id: sourceId,
    as_of: day.meta({ description: 'The day that the value speaks for' }),
    value: z.unknown().meta({ description: 'As it follows from the rows at this moment; of the type of the column' }),
    definition: catalogueAnswer.element.omit({ version: true }).meta({ id: 'FeatureDefinition' }),
    parts: z
      .looseObject({})
      .meta({ description: 'The numbers between the rows and the value, by names; the value follows from them alone' }),
    rows: z
      .strictObject({
        count,
        listed: z
          .array(
            z
              .strictObject({
                table,
                id: sourceId,
                at,
                day: known(day, 'The local day of it'),
                read_as: z.looseObject({}).meta({ description: 'What the row was read as' }),
              })
              .meta({ id: 'ExplainedRow' }),
          )
          .meta({ description: `The latest first, ${MOST_LISTED} at most` }),
      })
      .meta({ description: 'The rows of the student that the value rests on' }),
    left_out: z
      .strictObject({
        count,
        listed: z
          .array(
            z
              .strictObject({
                table,
                id: sourceId,
                at,
                reason: z.enum(['rejected', 'after_as_of', 'duplicate', 'superseded']),
                why: z.string().meta({ description: 'The same in words' }),
                of: known(sourceId, 'The row that stands for it'),
              })
              .meta({ id: 'RowLeftOut' }),
          )
          .meta({ description: `The latest first, ${MOST_LISTED} at most` }),
      })
      .meta({ description: 'Rows of their kind that it does not rest on' }),
    would_change: z
      .array(
        z
          .strictObject({
            change: z.string(),
            effect: z.string(),
            change_code: z.enum(CHANGE_CODES).meta({ description: 'Stands for `change`' }),
            effect_code: z.enum(EFFECT_CODES).meta({ description: 'Stands for `effect`' }),
            values: z.record(z.string(), z.union([z.string(), z.number()])).meta({
              description: 'What stands in both: numbers, days and names',
            }),
          })
          .meta({ id: 'WouldChange' }),
      )
      .meta({ description: 'Of scores and flags: what would make another value of it' }),
  })
  .meta({ id: 'Explanation' });
export type Explanation = z.output<typeof explainAnswer>;

/**
 * Explains a value with the functions that derive it, from the staged rows.
 * @param tx all of whose reads see the same moment
 * @throws NotFoundError for an unknown student, course or feature, and when the key has no row
 */
export async function readExplanation(
  tx: Queryable,
  { student: studentName, course: courseName, feature }: z.output<typeof explainParams>,
): Promise<Explanation> {
  const column = findColumn(feature);
  const student = await findEntity(tx, 'student', studentName);
  const course = await findEntity(tx, 'course', courseName);
  const explained = await explainKey(tx, column, student, course);
  if (explained === null)
    throw new NotFoundError(
      `student ${studentName} has no row of ${column.table} in course ${courseName}`,
      'GET /api/metrics/student/{id} lists the courses of a student that have features',
      'no_features',
    );
  const { asOf, value, ...rest } = explained;
  const definition = CATALOGUE.find(({ name, table: of }) => name === column.name && of === column.table);
  if (definition === undefined) throw new Error(`the catalogue has no ${feature}`);
  return {
    student_id: student.id,
    student_source_id: student.source_id,
    course_id: course.id,
    course_source_id: course.source_id,
    as_of: formatDay(asOf),
    value: served(value, column),
    definition,
    ...rest,
  } as Explanation;
}

function findColumn(feature: string): FeatureColumn {
  const column = columnOf(feature);
  if (column !== undefined) return column;
  throw new NotFoundError(
    `there is no feature ${JSON.stringify(feature.slice(0, 60))}`,
    `the features are ${COLUMN_NAMES.join(', ')}`,
    'feature_not_found',
  );
}

async function explainKey(
  tx: Queryable,
  column: FeatureColumn,
  { id: studentId }: Entity,
  { id: courseId }: Entity,
): Promise<Explained | null> {
  const state = (await readCourses(tx, [courseId])).get(courseId);
  if (state === undefined || state.version === 0) return null;
  const settings = await readStoredSettings(tx);
  if (settings.excluded.has(studentId)) return null;
  const { asOf, coveredFrom: coverage, firstFact: courseFirstFact } = state;
  const source = await readSourceRows(tx, { courseId, studentId }, settings.reading);
  const course = { today: await readToday(tx), asOf, coverage, courseFirstFact };
  const numbers = (await readClasses(tx, [courseId])).get(courseId) ?? null;
  // With very many rows each step takes a while, so other work gets its turn in between.
  const grounds = groundsOf(readableRows(source), course, numbers, settings);
  await nextTurn();
  return explainColumn(column, source, grounds);
}

/** A value in the form that other routes serve: decimals as numbers, times in ISO 8601. */
function served(value: unknown, { definition }: FeatureColumn): unknown {
  if (value === null) return null;
  const type = TYPE_OF_UNIT[definition.unit];
  if (type === 'timestamptz') return new Date(Number(value)).toISOString();
  return type === 'numeric' ? Number(value) : value;
}
