import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAsOfDays } from '#libs/dataset/as-of-days.ts';
import { FEATURE_COLUMNS, LABEL_COLUMNS } from '#libs/dataset/columns.ts';
import { type Dataset, type DatasetRequest, withDataset } from '#libs/dataset/dataset.ts';
import { DatasetFile } from '#libs/dataset/dataset-file.ts';
import { DATASET_FORMATS, type DatasetFormat, formatOfName } from '#libs/dataset/formats.ts';
import { ConfigurationError, messageOf, PrepaError } from '#libs/domain/errors.ts';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import { findRunning } from '#libs/platform/config/find-source.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { withAnalytics } from '#libs/store/schema/open.ts';
import { DatasetProgress } from './progress.ts';

const USAGE = `Writes a training set: what was known of each student in each course on each of some past days, by the same code and
from the rows dated up to that day alone; and beside it what became of them.

  npm run dataset -- --as-of 2026-09-01..2026-12-01/7d --course 3 --out features.parquet

  --as-of <days>     days as 2026-09-01,2026-10-01 or spans as 2026-09-01..2026-12-01/7d, parted by commas
  --course <id>      only this course, our integer or the source's UUID; may be given several times; all unless given
  --out <file>       features.parquet or features.csv; labels go to features.labels.parquet or features.labels.csv

A row is a student in a course on a day; schemas/dataset.md says what is in it and what cannot be. A Parquet file says in
its metadata from what it was made, beside a CSV that stands in <file>.metadata.json: the same command on the same position
gives the same bytes. The database is ANALYTICS_DB_HOST, _PORT, _NAME, _USER and _PASSWORD if ANALYTICS_DB_HOST is set, else
the one of a running "npm start"; reading it is enough. Roles may go on meanwhile.
Exit codes: 0 written; 1 not written; 2 what was typed or the configuration is wrong.

${describeSettings(SETTINGS_OF.dataset)}
`;

const OPTIONS = {
  'as-of': { type: 'string' },
  course: { type: 'string', multiple: true },
  out: { type: 'string' },
} as const;

type Values = Typed<typeof OPTIONS>['values'];

interface Order extends DatasetRequest {
  readonly out: string;
  readonly format: DatasetFormat;
  /** The command as typed, without the file's folder. */
  readonly command: string;
}

const SHOWN = 'npm run dataset -- --help shows what is possible';

function orderOf({ 'as-of': asOf, course, out }: Values): Order {
  if (asOf === undefined) throw new ConfigurationError('--as-of is missing', `say of which days; ${SHOWN}`);
  if (out === undefined) throw new ConfigurationError('--out is missing', `say into which file; ${SHOWN}`);
  const format = formatOfName(out);
  if (format === null)
    throw new ConfigurationError(
      `--out ${out} is of no known format`,
      `let its name end in .${Object.keys(DATASET_FORMATS).join(' or .')}`,
    );
  const courses = course?.flatMap((each) => each.split(',')) ?? null;
  for (const each of courses ?? [])
    if (!/^(\d+|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/i.test(each))
      throw new ConfigurationError(
        `--course ${each} is neither one of our integers nor a UUID`,
        'GET /api/students?courseId=<id> and the table course show ids',
      );
  const words = [
    '--as-of',
    asOf,
    ...(courses ?? []).flatMap((each) => ['--course', each]),
    '--out',
    path.basename(out),
  ];
  return { days: daysOf(asOf), courses, out, format, command: `npm run dataset -- ${words.join(' ')}` };
}

function daysOf(text: string): DatasetRequest['days'] {
  try {
    return parseAsOfDays(text);
  } catch (cause) {
    throw new ConfigurationError(`--as-of: ${messageOf(cause)}`, SHOWN, { cause });
  }
}

/** The labels of `features.parquet` go to `features.labels.parquet`. */
function labelsFile(out: string): string {
  const { dir, name, ext } = path.parse(out);
  return path.join(dir, `${name}.labels${ext}`);
}

async function main({ values }: Typed<typeof OPTIONS>): Promise<number> {
  const order = orderOf(values);
  const config = loadConfig();
  const address = analyticsAddress(config) ?? findRunning(config, 'analytics');
  const log = openLog(config.LOG_LEVEL, { role: 'dataset' });
  const options = { connections: 1, name: 'prepadata dataset', role: 'reconcile', log } as const;
  return withAnalytics(address, options, (db, stopping) => write(db, order, stopping));
}

async function write(db: Database, order: Order, stopping: AbortSignal): Promise<number> {
  const { out, format } = order;
  const files: DatasetFile[] = [];
  try {
    files.push(await DatasetFile.open(out, format, FEATURE_COLUMNS));
    files.push(await DatasetFile.open(labelsFile(out), format, LABEL_COLUMNS));
    await withDataset(db, order, (dataset) => fill(dataset, files, order, stopping));
    return 0;
  } finally {
    for (const file of files) await file.discard();
  }
}

async function fill(
  dataset: Dataset,
  [features, labels]: readonly DatasetFile[],
  order: Order,
  stopping: AbortSignal,
): Promise<void> {
  if (features === undefined || labels === undefined) return;
  const progress = new DatasetProgress(dataset.keys);
  let [rows, keys] = [0, 0];
  for await (const part of dataset.parts((key) => progress.leftOut(key))) {
    if (stopping.aborted)
      throw new PrepaError('dataset_stopped', 'stopped before the end; nothing is left of the set', 'run it again');
    await features.table.write(part.features);
    await labels.table.write(part.labels);
    rows += part.features.length;
    keys += part.labels.length;
    progress.show(rows);
  }
  const metadata = { ...dataset.metadata, command: order.command };
  await features.finish({ ...metadata, rows: String(rows) });
  await labels.finish({ ...metadata, rows: String(keys) });
  if (order.format === 'csv')
    await writeFile(`${order.out}.metadata.json`, `${JSON.stringify({ ...metadata, rows: String(rows) }, null, 1)}\n`);
  await features.keep();
  await labels.keep();
  progress.end(rows, keys, order.out);
}

await runProgram({ name: 'dataset', usage: USAGE, options: OPTIONS }, main);
