import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { ConfigurationError, messageOf, PrepaError } from '#libs/domain/errors.ts';
import { carryOut } from '#libs/pipeline/erase.ts';
import { erasureSigner } from '#libs/pipeline/erasure-key.ts';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import { findRunning } from '#libs/platform/config/find-source.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { sleep } from '#libs/platform/retry.ts';
import {
  findErasure,
  readmitStudent,
  readProspect,
  readStanding,
  requestErasure,
  waitsFor,
} from '#libs/store/erasure/erasure.ts';
import { withAnalytics } from '#libs/store/schema/open.ts';
import { verifyFile, verifyStored } from './verify.ts';

const USAGE = `Forgets a student: whatever is stored here, now and in what comes, until the student is admitted again.

  npm run erase -- --student <uuid>     erases, and prints the signed record of what was removed; to keep that in a file:
                                        npm run --silent erase -- …, since npm prints the student, too
  npm run erase -- --student-file <file>
                                        the same, with the id in a file, or on standard input if the file is -: what is typed
                                        is shown to every user of this machine while the command runs
      --dry-run                         prints what would be removed, and removes nothing
      --why <text>                      stands in the record; do not name the person
      --readmit                         takes the student in again: the next reconcile, or epoch, brings the rows
  npm run erase -- --verify <id|file>   whether a record, by its id or as it was printed, is genuine

The student is named by the source's id (students.id). The database is ANALYTICS_DB_HOST, _PORT, _NAME, _USER and _PASSWORD
if ANALYTICS_DB_HOST is set, else the one of a running "npm start"; the user is its owner. Roles go on meanwhile.
services/README.md says what is erased and what is not ours to erase.
Exit codes: 0 done, or nothing is left; 1 the student is not known, the record is not genuine, or the erasure waits for the
feature topics (the reconcile role finishes it); 2 what was typed or the configuration is wrong.

${describeSettings(SETTINGS_OF.erase)}
`;

const OPTIONS = {
  student: { type: 'string' },
  'student-file': { type: 'string' },
  'dry-run': { type: 'boolean' },
  why: { type: 'string' },
  readmit: { type: 'boolean' },
  verify: { type: 'string' },
} as const;

type Values = Typed<typeof OPTIONS>['values'];

/** Milliseconds; long enough for the feature topics to be updated where the relay runs. */
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 200;
const LONGEST_REASON = 200;

const UUID = z.guid().toLowerCase();

async function main({ values }: Typed<typeof OPTIONS>): Promise<number> {
  const config = loadConfig();
  if (values.verify !== undefined && !UUID.safeParse(values.verify).success)
    return verifyFile(values.verify, erasureSigner(config));
  const log = openLog(config.LOG_LEVEL, { role: 'erase' });
  const student = values.verify === undefined ? await studentOf(values) : '';
  const address = analyticsAddress(config) ?? findRunning(config, 'analytics');
  return withAnalytics(address, { connections: 2, name: 'prepadata erase', role: 'reconcile', log }, async (db) => {
    if (values.verify !== undefined) return await verifyStored(db, values.verify, erasureSigner(config));
    if (values.readmit === true) return await readmit(db, student);
    return await erase(db, config, student, values);
  });
}

async function studentOf(values: Values): Promise<string> {
  const { student, 'student-file': file, why, readmit: isReadmitted, 'dry-run': isDry } = values;
  if (student !== undefined && file !== undefined)
    throw new ConfigurationError('both --student and --student-file are given', 'leave one of them out');
  const id = UUID.safeParse(file === undefined ? student : (await contentOf(file)).trim()).data;
  if (id === undefined)
    throw new ConfigurationError(
      file !== undefined
        ? `--student-file ${file} holds something other than one UUID`
        : student === undefined
          ? '--student is missing'
          : `--student ${student} is not a UUID`,
      'name the student by the id that the source has, as in students.id; npm run erase -- --help shows what is possible',
    );
  if (isReadmitted === true && (isDry === true || why !== undefined))
    throw new ConfigurationError('--readmit goes with the student alone', 'leave the other options out');
  if ((why?.length ?? 0) > LONGEST_REASON || why?.toLowerCase().includes(id) === true)
    throw new ConfigurationError(
      `--why names the student, or has more than ${LONGEST_REASON} characters`,
      'say in a few words why, without saying who: it stays in the record',
    );
  return id;
}

async function contentOf(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(
      `--student-file ${file} cannot be read: ${messageOf(error)}`,
      'name a file that this user may read, or - for standard input',
    );
  }
}

async function erase(db: Database, config: SettingValues, student: string, values: Values): Promise<number> {
  const prospect = await readProspect(db, student);
  if (prospect.refused === 'unknown')
    throw new PrepaError(
      'student_not_found',
      `no student ${student} was ever seen here: there is nothing to erase`,
      'name the student by the id that the source has, as in students.id; one whom only the source knows is erased after the first rows have come',
    );
  if (prospect.refused === 'excluded')
    throw new ConfigurationError(
      `the settings of the database name the student ${student} in EXCLUDED_STUDENTS`,
      'take the id out there, run npm run migrate with the new settings, and erase then',
    );
  const { rows, isDone } = prospect;
  if (values['dry-run'] === true) {
    process.stdout.write(`${describe(rows, 'would be removed; nothing was')}\n`);
    return 0;
  }
  if (isDone) {
    process.stdout.write('Nothing is left of this student, and nothing is taken in.\n');
    return 0;
  }
  const signer = erasureSigner(config);
  const erasureId = await requestErasure(db, student, { by: operator(), reason: values.why ?? null });
  const until = Date.now() + PATIENCE_MS;
  while (!(await carryOut(db, erasureId, signer))) {
    if (Date.now() > until) return await notYet(db, erasureId);
    await sleep(LOOK_EVERY_MS);
  }
  const done = await findErasure(db, erasureId);
  process.stderr.write(`${describe(done?.removed ?? {}, 'were removed')}\n`);
  process.stdout.write(`${JSON.stringify(done?.signed, null, 1)}\n`);
  return 0;
}

async function notYet(db: Database, erasureId: string): Promise<number> {
  const waits = await waitsFor(db, erasureId);
  process.stderr.write(
    `Nothing of the student is here any more, and the erasure ${erasureId} waits for ${waits.join(' and ') || 'its end'}.\n` +
      '  The reconcile role finishes it by itself; or run the same command again.\n',
  );
  return 1;
}

async function readmit(db: Database, student: string): Promise<number> {
  const { state, onItsWay } = await readStanding(db, student);
  if (state === 'erased' && onItsWay !== null)
    throw new PrepaError(
      'erasure_unfinished',
      `the student ${student} is being erased at the moment`,
      'wait until the erasure is finished, and try again',
    );
  if (!(await readmitStudent(db, student)))
    throw new PrepaError(
      'student_not_erased',
      `no student ${student} was erased here`,
      'name the student by the id that the source has, as in students.id',
    );
  process.stdout.write(
    'The student is taken in again: from new changes at once, and wholly with the next reconcile (npm run reconcile -- --once).\n',
  );
  return 0;
}

const describe = (rows: Readonly<Record<string, number>>, what: string): string =>
  [
    `Rows that ${what}:`,
    ...Object.entries(rows).map(([table, count]) => `  ${table.padEnd(28)} ${count}`),
    ...(Object.keys(rows).length === 0 ? ['  none'] : []),
    'Lines of access records are rewritten by the API that keeps them, within seconds or at its next start.',
  ].join('\n');

/** The user of this machine who typed the command. */
function operator(): string {
  try {
    return `user:${userInfo().username}`;
  } catch {
    return `user:${process.getuid?.() ?? 'unknown'}`;
  }
}

await runProgram({ name: 'erase', usage: USAGE, options: OPTIONS }, main);
