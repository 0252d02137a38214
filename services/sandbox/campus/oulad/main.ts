import pg from 'pg';
import { loadConfig } from '#libs/platform/config/config.ts';
import { findSource } from '#libs/platform/config/find-source.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { refuseUselessPooler } from '#libs/platform/postgres/pooler.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { argumentsOf, LOAD_OULAD } from './cli.ts';
import { type LoadProgress, type LoadResult, loadPresentation } from './load.ts';

const WORDS = { reading: 'reading the data set', deleting: 'rows deleted', loading: 'rows loaded' } as const;

/** On a terminal one line that is overwritten; elsewhere nothing, since a counter would only fill a log. */
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

async function main({ values }: Typed<typeof LOAD_OULAD.options>): Promise<number> {
  const options = argumentsOf(values, process.env);
  const config = loadConfig();
  const address = findSource(config);
  await refuseUselessPooler(address, 'the source database', new AbortController().signal);
  const db = openDatabase(address, {
    connections: 2,
    name: 'prepadata load:oulad',
    settings: { search_path: pg.escapeIdentifier(config.SOURCE_SCHEMA) },
  });
  try {
    const result = await loadPresentation(db, { ...options, onProgress: showProgress });
    endProgress();
    console.log(summary(options.presentation, result));
    return 0;
  } finally {
    endProgress();
    await db.close();
  }
}

await runProgram(LOAD_OULAD, main);
