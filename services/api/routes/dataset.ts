import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { parseAsOfDays } from '#libs/dataset/as-of-days.ts';
import { DATASET_PARTS, streamDataset } from '#libs/dataset/dataset-stream.ts';
import { DATASET_FORMATS, type DatasetFormat } from '#libs/dataset/formats.ts';
import { messageOf } from '#libs/domain/errors.ts';
import { DatasetBusyError } from '#libs/serve/errors.ts';
import { entityId, noParameters } from '#libs/serve/parameters.ts';
import { NotAcceptableError } from '../csv-answer.ts';
import { defineRoute, type RawRequest } from '../route.ts';

const FORMATS = Object.keys(DATASET_FORMATS) as [DatasetFormat, ...DatasetFormat[]];
const MEDIA_TYPES = FORMATS.map((format) => DATASET_FORMATS[format].mediaType);
const PARTS = Object.keys(DATASET_PARTS) as (keyof typeof DATASET_PARTS)[];

const asOf = z
  .string({ error: 'days are expected, as 2026-09-01..2026-12-01/7d' })
  .max(2_000, 'fewer days, or spans of them, are expected')
  .superRefine((text, context) => {
    try {
      parseAsOfDays(text);
    } catch (error) {
      context.addIssue(messageOf(error));
    }
  })
  .meta({
    description: 'Days, or spans of them with a step, parted by commas: 2026-09-01,2026-10-01..2026-12-01/7d',
    examples: ['2026-09-01..2026-12-01/7d'],
  });

const query = z.strictObject({
  as_of: asOf,
  course_id: entityId
    .optional()
    .meta({ description: 'Only this course: our integer, or the UUID of the source; all unless given' }),
  part: z.enum(PARTS).default('features').meta({
    description:
      'features: what was known, a row per student, course and day; labels: what became of it, a row per student and course',
  }),
  format: z
    .enum(FORMATS)
    .optional()
    .meta({ description: 'Before the header Accept; parquet unless either says otherwise' }),
});

/** Databases from which a set is being sent: one at a time, since each keeps a connection and a core busy. */
const sending = new WeakSet<object>();

function formatFor(wanted: DatasetFormat | undefined, raw: RawRequest): DatasetFormat {
  if (wanted !== undefined) return wanted;
  const type = raw.accepts(MEDIA_TYPES);
  const format = FORMATS.find((one) => DATASET_FORMATS[one].mediaType === type);
  if (format === undefined) throw new NotAcceptableError(MEDIA_TYPES);
  return format;
}

export const datasetRoute = defineRoute({
  path: '/api/dataset',
  operationId: 'getDataset',
  tag: 'features',
  summary: 'A training set: what was known of each student in each course on past days, or what became of them; a file',
  params: noParameters,
  query,
  answer: z
    .string()
    .meta({ description: 'The file, sent as it is made', instead: { type: 'string', format: 'binary' } }),
  mediaTypes: MEDIA_TYPES,
  refusals: [406, 409],
  handle: async ({ snapshots }, { query: { as_of, course_id: course, part, format: wanted }, raw }) => {
    if (sending.has(snapshots)) throw new DatasetBusyError();
    sending.add(snapshots);
    try {
      const format = formatFor(wanted, raw);
      const courses = course === undefined ? null : [course];
      const command = `GET ${raw.path}?${new URLSearchParams(raw.query as Record<string, string>)}`;
      const body = await streamDataset(snapshots, { days: parseAsOfDays(as_of), courses, part, format, command });
      finished(body)
        .catch(() => {})
        .finally(() => sending.delete(snapshots));
      return {
        body,
        contentType: DATASET_FORMATS[format].mediaType,
        headers: { 'content-disposition': `attachment; filename="${part}.${format}"` },
      };
    } catch (error) {
      sending.delete(snapshots);
      throw error;
    }
  },
});
