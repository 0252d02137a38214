import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { FLAG_NAMES, type FlagName } from '#libs/domain/flags.ts';
import { type LocalDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { loadPresentation } from '../../services/sandbox/campus/oulad/load.ts';
import { startTestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { type FlaggedDays, isFlaggedIn } from './tally.ts';

const WINDOW_DAYS = 28;

export interface Shares {
  /** Of those who withdrew, whose flag was open in the window before; null of nobody. */
  readonly before: number | null;
  /** Of those who never did, in the same windows, a mean over the withdrawals. */
  readonly others: number | null;
}

export interface Withdrawals extends Shares {
  readonly students: number;
  readonly withdrawn: number;
  readonly ratio: number | null;
  readonly byFlag: readonly (Shares & { readonly name: FlagName })[];
}

/** A student with the days of the flags; the day of the withdrawal, or null. */
export interface Studied {
  readonly days: FlaggedDays;
  readonly withdrewOn: LocalDay | null;
}

/** Who withdrew on a day on which flags of the whole window before are known, against those who never did. */
export function compareWithdrawals(all: readonly Studied[]): Withdrawals {
  const stayed = all.filter(({ withdrewOn }) => withdrewOn === null).map(({ days }) => days);
  const left = all.flatMap(({ days, withdrewOn }) => {
    const isKnown = withdrewOn !== null && withdrewOn - WINDOW_DAYS >= days.firstDay && withdrewOn <= lastDayOf(days);
    return isKnown ? [{ days, withdrewOn }] : [];
  });
  const shares = (judge: (days: FlaggedDays, from: LocalDay, to: LocalDay) => boolean): Shares => {
    const before = left.filter(({ days, withdrewOn }) => judge(days, withdrewOn - WINDOW_DAYS, withdrewOn - 1));
    const others = left.map(
      ({ withdrewOn }) => stayed.filter((days) => judge(days, withdrewOn - WINDOW_DAYS, withdrewOn - 1)).length,
    );
    const sum = others.reduce((total, n) => total + n, 0);
    return {
      before: left.length === 0 ? null : before.length / left.length,
      others: left.length * stayed.length === 0 ? null : sum / left.length / stayed.length,
    };
  };
  const { before, others } = shares(isFlaggedIn);
  return {
    students: all.length,
    withdrawn: left.length,
    before,
    others,
    ratio: before === null || !others ? null : before / others,
    byFlag: FLAG_NAMES.map((name) => ({
      name,
      ...shares((days, from, to) => isFlaggedIn(only(days, name), from, to)),
    })),
  };
}

const lastDayOf = ({ firstDay, flags }: FlaggedDays): LocalDay => firstDay + flags.length - 1;

const only = ({ firstDay, flags }: FlaggedDays, name: FlagName): FlaggedDays => ({
  firstDay,
  flags: flags.map((names) => (names.includes(name) ? [name] : [])),
});

/** Loads a presentation into databases of its own, derives it with all roles, and compares. */
export async function withdrawals(directory: string, presentation: string): Promise<Withdrawals> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-report-'));
  const server = await startEmbeddedPostgres({
    folder,
    settings: { wal_level: 'logical', max_slot_wal_keep_size: '4GB' },
  });
  try {
    await Promise.all([server.ensureDatabase('lms'), server.ensureDatabase('prepadata')]);
    const [source, analytics] = ['lms', 'prepadata'].map((name) =>
      openDatabase(server.address(name), { connections: 12 }),
    );
    if (source === undefined || analytics === undefined) throw new Error('no databases');
    await source.query(SOURCE_SCHEMA);
    await migrate(analytics);
    const { firstDay, lastDay } = await loadPresentation(source, { directory, presentation, shiftTo: 'none' });
    const now = parseDay(lastDay) * MS_PER_DAY;
    const pipeline = await startTestPipeline({
      source: server.address('lms'),
      analytics,
      settings: testSettings(),
      clock: { now: () => now },
      maxBatch: 5_000,
    });
    await untilSettled(source, analytics, 1_800_000);
    await pipeline.stop();
    const days = await flaggedDays(source, analytics);
    const left = await readWithdrawals(directory, presentation, parseDay(firstDay));
    await Promise.all([source.close(), analytics.close()]);
    return compareWithdrawals([...days].map(([id, known]) => ({ days: known, withdrewOn: left.get(id) ?? null })));
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** By the student's name at the source. */
async function flaggedDays(source: Database, analytics: Database): Promise<Map<string, FlaggedDays>> {
  const rows = await analytics.query<{ source_id: string; first: number; flags: number[] }>(
    "SELECT source_id, first_day - date '1970-01-01' AS first, flags FROM state.anomaly_series JOIN student USING (student_id)",
  );
  const people = await source.query<{ id: string; external_id: string }>('SELECT id, external_id::text FROM students');
  const names = new Map(people.map(({ id, external_id }) => [id, external_id]));
  return new Map(
    rows.map(({ source_id, first, flags }) => [
      names.get(source_id) ?? source_id,
      { firstDay: first, flags: flags.map((bits) => FLAG_NAMES.filter((_, n) => (bits >> n) & 1)) },
    ]),
  );
}

/** The day on which each student withdrew, from the day of the data set that is 0. */
async function readWithdrawals(
  directory: string,
  presentation: string,
  zero: LocalDay,
): Promise<Map<string, LocalDay>> {
  const left = new Map<string, LocalDay>();
  const file = path.join(directory, 'studentRegistration.csv.gz');
  const rows = createReadStream(file)
    .pipe(createGunzip())
    .pipe(parse({ columns: true, bom: true }));
  for await (const row of rows as AsyncIterable<Record<string, string>>) {
    const day = row['date_unregistration'] ?? '';
    if (`${row['code_module']}-${row['code_presentation']}` !== presentation || day === '' || day === '?') continue;
    // As the loader names them.
    left.set(`oulad-${row['id_student']}`, zero + Number(day));
  }
  return left;
}
