import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '#libs/platform/postgres/database.ts';
import { type Difference, readFeatures } from '../support/oracle.ts';
import { SmallOulad } from '../support/oulad.ts';
import { differencesOf } from './equal.ts';
import { eventually, newDataDir, Program, runCommand } from './program.ts';

const { OULAD_DIR } = process.env;
const OULAD_STUDENTS = 60;
/** Paced so slowly that nothing moves while features are compared. */
const QUIET = { CAMPUS_PACE_MS: '3600000' };
/** In CI the newest supported Node, which reads TypeScript by itself; everything else that starts the program uses the tests' own. */
const NODE = process.env['START_NODE'] ?? process.execPath;
const program = new Program(newDataDir(), QUIET, NODE);

beforeAll(async () => {
  await program.start().untilReady();
}, 240_000);
afterAll(() => program.cleanUp(), 60_000);

/** Compares all features of all students with the oracle on the source database itself. */
async function differences(): Promise<Difference[]> {
  const { source, analytics } = program.runFile;
  if (source === undefined || analytics === undefined) throw new Error('no databases');
  const { source: db, close } = program.open();
  try {
    // The campus may do its one thing between the two readings: then compare again.
    for (let attempt = 1; ; attempt += 1) {
      const before = await rowsWritten(db);
      const found = await differencesOf(source, analytics, { atLeast: 150 });
      if (found.length === 0 || attempt === 5 || (await rowsWritten(db)) === before) return found;
    }
  } finally {
    await close();
  }
}

/** Tells two states of the source apart, by the newest transactions that wrote its rows. */
async function rowsWritten(source: Database): Promise<string> {
  const [row] = await source.query<{ newest: string }>(
    `SELECT concat_ws(' ', (SELECT max(xmin::text::bigint) FROM grades), (SELECT max(xmin::text::bigint) FROM activity_logs),
                           (SELECT max(xmin::text::bigint) FROM enrollments), (SELECT count(*) FROM activity_logs)) AS newest`,
  );
  return row?.newest ?? '';
}

describe('npm start', () => {
  test('shows a screen with the address of the API and of the source, a curl, the data folder and how to stop', () => {
    const { url, source } = program.runFile;
    expect(program.output).toContain(url);
    expect(program.output).toContain(`${source?.host}:${source?.port}/${source?.database}`);
    expect(program.output).toMatch(/curl -s http\S+\/api\/metrics\/student\/\d+/);
    expect(program.output).toContain(program.dataDir);
    expect(program.output).toContain('Ctrl-C');
  });

  test('shows a student for each story of the campus, whom the API knows; the ground truth is not published', async () => {
    const looks = [...program.output.matchAll(/^ {2}(\S.*?) {2,}\S.*curl -s \S+(\/api\/metrics\/student\/\d+)/gm)];
    expect(looks.map(([, story]) => story)).toEqual([
      'fading away',
      'cramming',
      'steady',
      'back after illness',
      'late submitter',
      'lone night owl',
    ]);
    for (const [, , route] of looks) expect((await program.get(route ?? '')).status).toBe(200);
    const { source, close } = program.open();
    const published = await source.query<{ schema: string }>(
      'SELECT DISTINCT schemaname AS schema FROM pg_publication_tables',
    );
    await close();
    expect(published).toEqual([{ schema: 'public' }]);
  });

  test('has the features of the whole campus, equal to the oracle', async () => {
    expect(await differences()).toEqual([]);
  });

  test('serves the row that the screen tells to insert by hand', async () => {
    const { source, close } = program.open();
    const [, example = ''] = /(INSERT INTO activity_logs [\s\S]*?);/.exec(program.output) ?? [];
    const [row] = await source.query<{ student_id: string; course_id: string }>(
      `${example} RETURNING student_id, course_id`,
    );
    const before = Date.now();
    await eventually(async () => {
      const { body } = await program.get(`/api/metrics/student/${row?.student_id}`);
      const metrics = (body as Record<string, unknown>[]).find((item) => item['course_source_id'] === row?.course_id);
      return Date.parse(String(metrics?.['last_activity_at'])) > before - 5_000;
    });
    await close();
  });

  test('refuses a second one on the same data folder and names the address of the first', async () => {
    const second = await runCommand(['services/sandbox/local/main.ts'], { DATA_DIR: program.dataDir }, NODE);
    expect(second.code).toBe(2);
    expect(second.output).toContain(program.url);
  });

  test('refuses settings that make no sense, naming them', async () => {
    const wrong = { API_PORT: 'eighty', SOURCE_TIMEZONE: 'Mars/Olympus' };
    const refused = await runCommand(['services/sandbox/local/main.ts'], wrong, NODE);
    expect(refused.code).toBe(2);
    expect(refused.output).toContain('API_PORT=eighty is not a port');
    expect(refused.output).toContain('SOURCE_TIMEZONE=Mars/Olympus is not a time zone');
  });
});

describe.skipIf(OULAD_DIR === undefined)('npm run load:oulad', () => {
  test('writes a real university course into the source while it runs; its features over HTTP equal the oracle', async () => {
    const files = new SmallOulad(OULAD_DIR ?? '', OULAD_STUDENTS);
    const loaded = await runCommand(
      [
        'services/sandbox/campus/oulad/main.ts',
        '--dir',
        files.directory,
        '--presentation',
        'AAA-2013J',
        '--shift-to',
        'today',
      ],
      { DATA_DIR: program.dataDir },
    );
    expect(loaded.output).toContain(`${files.rowsOfAaa('studentVle').length} views`);
    expect(loaded.code).toBe(0);
    files.remove();
    expect(await differences()).toEqual([]);

    const { source, close } = program.open();
    const students = await source.query<{ student_id: string; course_id: string }>(
      `SELECT DISTINCT e.student_id, e.course_id FROM enrollments AS e JOIN courses AS c ON c.id = e.course_id WHERE c.shortname LIKE '%AAA%2013J%'`,
    );
    await close();
    expect(students).toHaveLength(OULAD_STUDENTS);
    const { engagement } = await readFeatures(program.runFile.analytics ?? failed());
    const scores = new Map(
      engagement.map((row) => [`${row['student_id']} ${row['course_id']}`, row['engagement_score']]),
    );
    for (const { student_id, course_id } of students) {
      const { body } = await program.get(`/api/metrics/student/${student_id}`);
      const served = (body as Record<string, unknown>[]).find((row) => row['course_source_id'] === course_id);
      const stored = scores.get(`${student_id} ${course_id}`);
      expect(served?.['engagement_score']).toBe(stored === null ? null : Number(stored));
    }
  }, 300_000);
});

function failed(): never {
  throw new Error('the program has not written its addresses');
}

describe('Ctrl-C', () => {
  test('drains, ends with code 0 and leaves no process', async () => {
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    expect(program.servers()).toEqual([]);
    expect(program.output).toContain('Nothing is left running');
  });
});
