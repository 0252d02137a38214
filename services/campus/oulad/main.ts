import { PrepaError } from '#libs/domain/errors.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { readArguments, sourceAddress, USAGE } from './cli.ts';
import { type LoadProgress, type LoadResult, loadPresentation } from './load.ts';

const WORDS = { reading: 'reading the data set', deleting: 'rows deleted', loading: 'rows loaded' } as const;

/** On a terminal one line that is written over; elsewhere nothing, since a log is no place for a counter. */
function showProgress({ phase, rows }: LoadProgress): void {
  if (!process.stderr.isTTY) return;
  const text = phase === 'reading' ? WORDS[phase] : `${rows.toLocaleString('en')} ${WORDS[phase]}`;
  process.stderr.write(`\r\u001b[K${text} …`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function summary(presentation: string, result: LoadResult): string {
  const line = (table: string, rows: number, note: string) =>
    `  ${table.padEnd(14)}${rows.toLocaleString('en').padStart(9)}  ${note}`;
  const activities = result.views + result.submissions;
  return [
    `${presentation} is loaded; day 0 is ${result.firstDay}, its last day ${result.lastDay}`,
    ...(result.deleted > 0 ? [line('deleted', result.deleted, 'rows of the earlier load')] : []),
    line('courses', 1, result.courseId),
    line('students', result.students, 'registered'),
    line('enrollments', result.enrollments, ''),
    line('activity_logs', activities, `${result.views} views, ${result.submissions} submissions`),
    line('grades', result.grades, ''),
    `  in ${result.seconds.toFixed(1)} seconds`,
  ]
    .map((text) => text.trimEnd())
    .join('\n');
}

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2), process.env);
  if (options === null) {
    process.stdout.write(USAGE);
    return;
  }
  const db = openDatabase(sourceAddress(process.env), { connections: 2, name: 'prepadata load:oulad' });
  try {
    const result = await loadPresentation(db, { ...options, onProgress: showProgress });
    endProgress();
    console.log(summary(options.presentation, result));
  } finally {
    endProgress();
    await db.close();
  }
}

/** 2 configuration, 3 data or schema, 1 everything else. */
function exitCode(error: unknown): number {
  if (!(error instanceof PrepaError)) return 1;
  return error.code === 'configuration' ? 2 : 3;
}

main().catch((error: unknown) => {
  const hint = error instanceof PrepaError ? `\n  ${error.hint}` : '';
  // A refused connection to a name with several addresses has an empty message; its code says it.
  const message = error instanceof Error ? error.message || String((error as { code?: string }).code) : String(error);
  console.error(`load:oulad: ${message}${hint}`);
  process.exitCode = exitCode(error);
});
