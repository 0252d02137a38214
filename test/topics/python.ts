import path from 'node:path';
import type { Cluster } from '../support/cluster.ts';
import { runPython } from '../support/python.ts';
import type { PlainRow } from './rows.ts';

const REQUIREMENTS = path.join(import.meta.dirname, '../../connectors/consumers/requirements.txt');
const FOLLOWER = path.join(import.meta.dirname, '../../connectors/consumers/feature_topics.py');
const PRINT_ROWS = `
import json, sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT topic, student_id, course_id, row_version, row FROM feature_row"):
    print(json.dumps(row))
`;

export interface KeptRow {
  readonly version: number;
  /** Days and instants as numbers, as in `tableRows`. Null: the row is gone. */
  readonly value: PlainRow | null;
}

/** Brings a SQLite file up to the current ends of the topics, with connectors/consumers. */
export async function followWithPython({ env }: Cluster, file: string): Promise<void> {
  await runPython(REQUIREMENTS, [FOLLOWER, file, '--once'], { timeout: 120_000, env });
}

/** Runs a statement in the SQLite file. */
export const inSqlite = (file: string, statement: string): Promise<string> =>
  runPython(
    REQUIREMENTS,
    ['-c', 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2])', file, statement],
    { timeout: 120_000 },
  );

/** The contents of the SQLite file, by topic, student and course. */
export async function keptRows(file: string): Promise<Map<string, KeptRow>> {
  const printed = await runPython(REQUIREMENTS, ['-c', PRINT_ROWS, file], { timeout: 120_000 });
  const rows = printed.split('\n').filter((line) => line !== '');
  return new Map(
    rows.map((line) => {
      const [topic, student, course, version, text] = JSON.parse(line) as [
        string,
        number,
        number,
        number,
        string | null,
      ];
      const value = text === null ? null : (JSON.parse(text, numbersOfTimes) as PlainRow);
      return [`${topic} ${student} ${course}`, { version, value }];
    }),
  );
}

/** Replaces texts of days by days since 1970, and of instants by milliseconds since 1970. */
function numbersOfTimes(_: string, value: unknown): unknown {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d($| \d\d:)/.test(value)) return value;
  return value.length === 10 ? Date.parse(value) / 86_400_000 : Date.parse(value);
}
