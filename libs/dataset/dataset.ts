import { NotReadyError } from '#libs/domain/errors.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { readStoredSettings } from '#libs/families/stored-settings.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { readFeatureVersion } from '#libs/serve/catalogue/index.ts';
import { InvalidRequestError } from '#libs/serve/errors.ts';
import { findEntity } from '#libs/serve/identity.ts';
import { readToday } from '#libs/store/keys/calendar.ts';
import { CourseReading, type DatasetPart, type LeftOut } from './course-reading.ts';
import { datasetSql } from './statements.ts';
import type { TableMetadata } from './table-writer.ts';

export interface DatasetRequest {
  /** Ascending, each once, at least one. */
  readonly days: readonly LocalDay[];
  /** Our integers or the source's UUIDs; null: all. */
  readonly courses: readonly string[] | null;
}

/** A set as of one moment of the analytics database. */
export interface Dataset {
  /** The most keys there may be. */
  readonly keys: number;
  /** What it takes to make the set again, without the number of rows; and how many keys have been left out so far. */
  readonly metadata: TableMetadata;
  /** Key by key, ordered by course and student, including keys that have nothing. */
  parts(onLeftOut?: (key: LeftOut) => void): AsyncGenerator<DatasetPart>;
}

/** Version of the file's contents: raise it by hand when a column of keys or labels, a type or a name of the metadata changes. */
const SCHEMA_VERSION = '1';

/**
 * Opens a set for as long as `work` runs, in one snapshot of the analytics database.
 * @throws NotFoundError for a course that was never seen; InvalidRequestError for a day after today; NotReadyError when nothing
 * was derived yet, or the first snapshot of the source is still being read
 */
export async function withDataset<T>(
  db: Pick<Database, 'transaction'>,
  request: DatasetRequest,
  work: (dataset: Dataset) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(datasetSql.dataset_snapshot);
    await tx.query(datasetSql.dataset_patience);
    return work(await openDataset(tx, request));
  });
}

interface CourseRow {
  readonly course_id: number;
  readonly keys: number;
}

async function openDataset(tx: Queryable, request: DatasetRequest): Promise<Dataset> {
  const settings = await readStoredSettings(tx);
  const today = await readToday(tx);
  const version = await readFeatureVersion(tx);
  checkDays(request.days, today);
  const position = await readPosition(tx);
  const courses = await readCourses(tx, request.courses);
  let leftOut = 0;
  return {
    keys: courses.reduce((sum, { keys }) => sum + keys, 0),
    get metadata() {
      return {
        schema_version: SCHEMA_VERSION,
        definitions: settings.features,
        settings: settings.fingerprint,
        feature_version: String(version),
        today: formatDay(today),
        as_of: request.days.map(formatDay).join(','),
        courses: courses.map(({ course_id }) => course_id).join(','),
        position,
        left_out: String(leftOut),
      };
    },
    parts: (onLeftOut = () => {}) => {
      const count = (key: LeftOut): void => {
        leftOut += 1;
        onLeftOut(key);
      };
      return partsOf(tx, { courses, days: request.days, today, settings, onLeftOut: count });
    },
  };
}

interface Work {
  readonly courses: readonly CourseRow[];
  readonly days: readonly LocalDay[];
  readonly today: LocalDay;
  readonly settings: FeatureSettings;
  readonly onLeftOut: (key: LeftOut) => void;
}

async function* partsOf(tx: Queryable, { courses, ...work }: Work): AsyncGenerator<DatasetPart> {
  for (const { course_id: courseId } of courses) yield* new CourseReading(tx, { courseId, ...work }).parts();
}

function checkDays(days: readonly LocalDay[], today: LocalDay): void {
  const late = days.find((day) => day > today);
  if (late === undefined) return;
  throw new InvalidRequestError(
    'invalid_parameter',
    `as_of: ${formatDay(late)} has not begun: features speak for ${formatDay(today)}`,
    `name days up to ${formatDay(today)}`,
  );
}

async function readCourses(tx: Queryable, wanted: DatasetRequest['courses']): Promise<CourseRow[]> {
  const ids = new Set<number>();
  for (const text of wanted ?? []) ids.add((await findEntity(tx, 'course', text)).id);
  return tx.query<CourseRow>(datasetSql.dataset_courses, [wanted === null ? null : [...ids]]);
}

/** The last change of the source that is in the set, by stream. @throws NotReadyError while a snapshot is being read */
async function readPosition(tx: Queryable): Promise<string> {
  const streams = await tx.query<{ stream: string; epoch: number; applied: string | null; phase: string }>(
    datasetSql.dataset_position,
  );
  const reading = streams.find(({ phase }) => phase === 'snapshot');
  // A set made from half of the data would look like a complete one.
  if (reading !== undefined)
    throw new NotReadyError(
      'snapshot_running',
      'the first snapshot of the source is still being read: a set of what has come until now would not be whole',
      'wait until GET /api/ready says that it has ended (npm run start shows it, too), and try again',
    );
  return streams.map(({ stream, epoch, applied }) => `${stream}@${epoch}:${applied ?? ''}`).join(' ');
}
