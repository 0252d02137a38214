import { z } from 'zod';
import { PrepaError } from '#libs/domain/errors.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { findErasure, readProspect, requestErasure } from '#libs/store/erasure/erasure.ts';
import { instant, isoInstant, known } from './answers.ts';
import { NotFoundError } from './errors.ts';

/** The settings in force name the student, who therefore cannot be forgotten. */
export class StudentExcludedError extends PrepaError {
  constructor() {
    super(
      'student_excluded',
      'the settings of the database name the student in EXCLUDED_STUDENTS',
      'take the id out there, run npm run migrate with the new settings, and erase then',
    );
    this.name = 'StudentExcludedError';
  }
}

const uuid = z.guid({ error: 'the UUID of a student at the source is expected' }).toLowerCase();

export const eraseBody = z.strictObject({
  student: uuid.meta({ description: 'The id that the source has for the student' }),
  dry_run: z
    .boolean({ error: 'true or false is expected' })
    .default(false)
    .meta({ description: 'true: say what would be removed, and remove nothing' }),
  reason: z
    .string({ error: 'text is expected' })
    .max(200, { error: 'at most 200 characters are expected' })
    .nullish()
    .meta({ description: 'Stands in the record; does not name the person' }),
});

export const erasureParams = z.strictObject({
  id: z.uuid({ error: 'the UUID of an erasure is expected' }).toLowerCase(),
});

const rowsByTable = z.record(z.string(), z.int().min(1)).meta({ description: 'Rows by table' });
const status = z
  .enum(['queued', 'removed', 'finished'])
  .meta({ description: 'removed: nothing is left here, and the feature topics are being told; finished: they know' });

export const eraseAnswer = z
  .strictObject({
    erasure_id: known(z.uuid(), 'Null where nothing is on its way: a dry run, or a student without an erasure'),
    status: known(status, 'Null for a dry run'),
    rows: rowsByTable.meta({ description: 'Rows by table that are here now; empty: nothing is left' }),
  })
  .meta({ id: 'Erase' });

const record = z.strictObject({
  erasure_id: z.string(),
  student_digest: z.string().meta({ description: 'Salted: it leads nowhere without the id of the student' }),
  requested_at: instant,
  requested_by: z.string(),
  reason: z.string().nullable(),
  removed_at: instant,
  finished_at: instant,
  removed: z.record(z.string(), z.int()),
});

export const erasureAnswer = z
  .strictObject({
    erasure_id: z.uuid(),
    status,
    requested_at: instant,
    requested_by: z
      .string()
      .meta({ description: 'token:<its name>, api where none is asked for, or user:<of the system>' }),
    reason: known(z.string(), 'As it was given'),
    removed_at: known(instant, 'Since when nothing of the student is answered'),
    finished_at: known(instant, 'Since when the feature topics know'),
    signed: known(
      z.strictObject({ record, key: z.string(), signature: z.string() }),
      'What was removed, signed; npm run erase -- --verify tells whether it is genuine',
    ),
  })
  .meta({ id: 'Erasure' });

/**
 * Asks for the erasure of a student, which the reconcile role carries out.
 * @returns the answer, and whether an erasure is under way
 * @throws NotFoundError, StudentExcludedError, InvalidRequestError
 */
export async function askForErasure(
  db: Queryable,
  { student, dry_run: isDry, reason }: z.output<typeof eraseBody>,
  by: string,
): Promise<{ readonly goesOn: boolean; readonly answer: z.output<typeof eraseAnswer> }> {
  const prospect = await readProspect(db, student);
  if (prospect.refused === 'unknown')
    throw new NotFoundError(
      `no student ${student} was ever seen here`,
      'name the student by the id that the source has, as in students.id',
      'student_not_found',
    );
  if (prospect.refused === 'excluded') throw new StudentExcludedError();
  const { rows, erasure, onItsWay, isDone } = prospect;
  if (isDry) return { goesOn: false, answer: { erasure_id: null, status: null, rows } };
  if (onItsWay !== null)
    return { goesOn: true, answer: { erasure_id: onItsWay.erasureId, status: onItsWay.status, rows } };
  if (isDone) return { goesOn: false, answer: { erasure_id: erasure?.erasureId ?? null, status: 'finished', rows } };
  const erasureId = await requestErasure(db, student, { by, reason: withoutName(reason ?? null, student) });
  return { goesOn: true, answer: { erasure_id: erasureId, status: 'queued', rows } };
}

/** @throws NotFoundError when no erasure has this id */
export async function readErasure(db: Queryable, erasureId: string): Promise<z.output<typeof erasureAnswer>> {
  const found = await findErasure(db, erasureId);
  if (found === undefined)
    throw new NotFoundError(
      `there is no erasure ${erasureId}`,
      'POST /api/erase answers with the id of an erasure',
      'erasure_not_found',
    );
  return {
    erasure_id: found.erasureId,
    status: found.status,
    requested_at: found.requestedAt.toISOString(),
    requested_by: found.requestedBy,
    reason: found.reason,
    removed_at: isoInstant(found.removedAt),
    finished_at: isoInstant(found.finishedAt),
    signed: found.signed === null ? null : { ...found.signed, record: { ...found.signed.record } },
  };
}

/** Removes the student's id from the reason: the record must not contain it. */
const withoutName = (reason: string | null, student: string): string | null =>
  reason?.replaceAll(new RegExp(student, 'gi'), '(the student)') ?? null;
