import { FAMILIES } from '#libs/domain/family.ts';
import { familyOf, neededColumns, SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { featureTopicOf } from '../features/outbox.ts';

/** A student's rows, as SQL in which $1 is our integer and $2 the source's UUID; either may be null. */
export interface PersonalData {
  /** Qualified with its schema. */
  readonly table: string;
  readonly where: string;
  /** How such rows are changed, as SQL after SET; absent: they are deleted. */
  readonly set?: string;
  /**
   * When to remove them. Absent: with the student's other rows. `told`: only once the feature topics have the tombstones.
   * `late`: with the others and again afterwards, since a process at work during the removal may still write such rows.
   */
  readonly when?: 'told' | 'late';
}

const TABLES_OF_KEYS = SOURCE_TABLES.filter((table) => familyOf(table) !== null);

/** In two parts, since each has its own index. */
const OWN_IMAGES = '(live AND student_id = $1 OR NOT live AND student_id IS NOT NULL AND student_id = $1)';

/** Leaves of an image only that its row is gone, and its position, so that an older change arriving late is refused. */
const bare = (table: SourceTable): string =>
  ['live = false', 'toast = NULL', ...neededColumns(table).map(({ name }) => `"${name}" = NULL`)].join(', ');

const OWN_ROW_IDS = TABLES_OF_KEYS.map(
  (table) => `SELECT '${table}:' || id FROM state.image_${table} WHERE ${OWN_IMAGES}`,
).join(' UNION ALL ');

/** Finds a student in JSON, even if that is a string within other JSON. */
const namesIn = (text: string): string => String.raw`${text} ~ ('student_id\\?": ?' || $1 || '\M')`;

/** Ids in a record that cannot be decoded are among its bytes, which are kept as base64, perhaps cut off. */
const BYTES = `substring(payload FROM '; base64: ([A-Za-z0-9+/]{8,}={0,2})$')`;
const NAMED_IN_BYTES = `coalesce(
  position(convert_to(($2)::text, 'UTF8') IN decode(left(${BYTES}, length(${BYTES}) / 4 * 4), 'base64')) > 0, false)`;

const TOPICS = FAMILIES.map((family) => `'${featureTopicOf(family)}'`).join(', ');

const EXAMPLE_IS_OWN = `example ->> 'key' LIKE $1 || '/%' OR example ->> 'key' = ($2)::text
  OR CASE WHEN example ->> 'where' = 'students'
    THEN state.student_digest((example ->> 'key')::uuid) IN (SELECT digest FROM state.erased_student) ELSE false END
  OR example ->> 'where' || ':' || (example ->> 'key') IN (${OWN_ROW_IDS}) OR ${namesIn('example::text')}`;
const EXAMPLES = `jsonb_array_elements(details #> '{verdict,examples}') AS example`;

/**
 * Everything that says something of a student, in the order in which it is erased: rows that are found through others come
 * before those. A new table or column with such data is added here; `test/erasure/personal-data.test.ts` checks the list
 * against the schema.
 */
export const PERSONAL_DATA: readonly PersonalData[] = [
  {
    table: 'public.rejected_change',
    where: `source_table || ':' || source_id IN (${OWN_ROW_IDS}) OR source_table = 'students' AND source_id = $2
      OR origin LIKE '%\\_features:' || $1 || '/%' OR ${namesIn('payload')}
      OR payload ILIKE '%' || $2 || '%' OR ${NAMED_IN_BYTES}`,
  },
  {
    table: 'public.pipeline_logs',
    where: `details #>> '{scope,student_id}' = ($1)::text`,
    when: 'late',
  },
  {
    // The verdict of a run keeps its counts, which are about everybody; the student's examples are removed.
    table: 'public.pipeline_logs',
    where: `jsonb_typeof(details #> '{verdict,examples}') = 'array' AND EXISTS (SELECT FROM ${EXAMPLES} WHERE ${EXAMPLE_IS_OWN})`,
    set: `details = jsonb_set(details, '{verdict,examples}', (
      SELECT coalesce(jsonb_agg(example), '[]') FROM ${EXAMPLES} WHERE (${EXAMPLE_IS_OWN}) IS NOT TRUE))`,
    when: 'late',
  },
  {
    table: 'state.pipeline_run',
    where: `scope ->> 'student_id' = ($1)::text AND status NOT IN ('queued', 'running')`,
    when: 'late',
  },
  { table: 'state.split_move', where: `source_table = 'students' AND $2 IN (old_id, new_id)` },
  ...TABLES_OF_KEYS.map((table) => ({ table: `state.image_${table}`, where: OWN_IMAGES, set: bare(table) })),
  { table: 'state.image_students', where: 'id = $2' },
  ...FAMILIES.flatMap((family) => [
    { table: `public.${family}_features`, where: 'student_id = $1' },
    { table: `state.${family}_series`, where: 'student_id = $1' },
  ]),
  { table: 'state.key_mark', where: 'student_id = $1', when: 'late' },
  { table: 'state.course_mark', where: 'student_id = $1', when: 'late' },
  { table: 'state.key', where: 'student_id = $1', when: 'late' },
  { table: 'public.student', where: 'student_id = $1 OR source_id = $2' },
  { table: 'public.outbox', where: `topic IN (${TOPICS}) AND student_id = $1`, when: 'told' },
  { table: 'state.published', where: `topic IN (${TOPICS}) AND student_id = $1`, when: 'told' },
];

/** Tables that name students only so that they stay erased. */
export const ERASURES: readonly string[] = ['state.erased_student', 'state.erasure'];
