import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { FeatureLines } from './columns.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** How a pass reads the rows: as facts, or each as something that happened. */
export const PASSES = { careful: 'duckdb', rows: 'duckdb-rows' } as const;
export type Pass = keyof typeof PASSES;

const EXPORTS = {
  activity_logs: 'student_id, course_id, activity_type, resource_id, "timestamp", metadata',
  grades: 'student_id, course_id, grade_item, "timestamp", grade_value, grade_max',
  enrollments: 'student_id, course_id',
} as const;

/** Writes what a pass reads to files; the server writes them, perhaps as another user. */
export async function exportRows(source: Database, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  for (const [table, columns] of Object.entries(EXPORTS))
    await source.query(`COPY (SELECT ${columns} FROM ${table}) TO '${path.join(folder, table)}.csv' (FORMAT csv)`);
}

export interface PassTaken {
  readonly features: FeatureLines;
  readonly wallMs: number;
  /** Seconds. */
  readonly cpu: number;
  readonly peakRssMb: number;
}

/** One pass of DuckDB over the files in a folder, in its own process. @throws Error when it fails */
export async function pass(
  which: Pass,
  folder: string,
  today: LocalDay,
  onSpawn: (child: ChildProcess) => void,
): Promise<PassTaken> {
  const text = readFileSync(new URL(`./sql/${PASSES[which]}.sql`, import.meta.url), 'utf8');
  const statement = text.replaceAll('$folder', folder).replaceAll('$today', formatDay(today));
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'test/bench/peers/duckdb-child.ts'], {
    cwd: ROOT,
    env: { ...process.env, BENCH_TASK: statement },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  onSpawn(child);
  const told = await new Promise<Omit<PassTaken, 'features'>>((resolve, reject) => {
    let said: Omit<PassTaken, 'features'> | undefined;
    child.on('message', (message) => {
      said = message as Omit<PassTaken, 'features'>;
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      said === undefined ? reject(new Error(`the pass of DuckDB ended with code ${code}`)) : resolve(said),
    );
  });
  return { ...told, features: readLines(path.join(folder, 'features.tsv')) };
}

function readLines(file: string): FeatureLines {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]));
}
