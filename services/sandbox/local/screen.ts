import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { lookLines, type StoryExample } from './story-examples.ts';

export interface ScreenFacts {
  readonly url: string;
  readonly source: DatabaseAddress;
  readonly analytics: DatabaseAddress;
  readonly hasCampus: boolean;
  readonly hasOwnStore: boolean;
  /** The zone of timestamps in the source. */
  readonly sourceTimeZone: string;
  /** Folders of the embedded databases. */
  readonly folders: readonly string[];
  readonly logFile: string;
  /** A student to try the API with; undefined while there is none. */
  readonly studentId: number | undefined;
  /** Students with a story; none where the source is not the sample campus. */
  readonly looks: readonly StoryExample[];
}

const toUrl = ({ user, password, host, port, database }: DatabaseAddress): string =>
  `postgres://${user}:${password}@${host}:${port}/${database}`;

const withoutPassword = ({ user, host, port, database }: DatabaseAddress): string =>
  `postgres://${user}@${host}:${port}/${database}`;

/** Passwords are shown only for our own databases without real data: the sample campus and what is derived from it. */
const shown = (address: DatabaseAddress, isOurs: boolean): string => (isOurs ? toUrl : withoutPassword)(address);

/** The one screen of `npm start`, once everything runs. */
export function readyScreen(facts: ScreenFacts): string {
  const { url, source, analytics, hasCampus, hasOwnStore, sourceTimeZone, folders, logFile, studentId, looks } = facts;
  return [
    '',
    '  PrepaData is running.',
    '',
    `  Open       ${url}/      whom to talk to, and why`,
    `             ${url}/ops   whether to trust it`,
    `  API        ${url}/docs`,
    `  Try        curl -s ${url}/api/metrics/student/${studentId ?? '{id}'}`,
    `             curl -s ${url}/api/students?limit=5`,
    `             curl -s ${url}/api/freshness`,
    `  Source     ${shown(source, hasCampus)}${hasCampus ? '   (a sample campus that goes on living)' : ''}`,
    '             commit a row there, and it is in the answers within tens of milliseconds:',
    ...(hasCampus ? exampleRow(sourceTimeZone).map((line) => `             ${line}`) : []),
    `  Features   ${shown(analytics, hasOwnStore && hasCampus)}   (SELECT * FROM student_metrics)`,
    ...folders.map((folder, index) => `  ${index === 0 ? 'Data' : '    '}       ${folder}`),
    `  Log        ${logFile}`,
    '  Stop       Ctrl-C',
    '',
    ...(looks.length === 0 ? [] : [...lookLines(url, looks), '']),
  ].join('\n');
}

const exampleRow = (timeZone: string): string[] => [
  'INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)',
  `SELECT student_id, course_id, 'login', now() AT TIME ZONE '${timeZone}'`,
  'FROM enrollments LIMIT 1;',
];
