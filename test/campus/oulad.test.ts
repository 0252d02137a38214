import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadResult, loadPresentation } from '../../services/sandbox/campus/oulad/load.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { SmallOulad } from '../support/oulad.ts';

const { OULAD_DIR } = process.env;
const STUDENTS = 60;
const DAY = 86_400_000;

describe.skipIf(OULAD_DIR === undefined)('the Open University data set', () => {
  let files: SmallOulad;
  let directory: string;
  let source: TestDatabase;
  let result: LoadResult;
  const loaded: number[] = [];

  beforeAll(async () => {
    files = new SmallOulad(OULAD_DIR ?? '', STUDENTS);
    directory = files.directory;
    source = await createSourceDatabase('oulad');
    result = await loadPresentation(source.db, {
      directory,
      presentation: 'AAA-2013J',
      shiftTo: '2026-05-20',
      onProgress: ({ phase, rows }) => phase === 'loading' && loaded.push(rows),
    });
  });
  afterAll(async () => {
    files.remove();
    await source.drop();
  });

  const one = async <R extends object>(text: string): Promise<R> => {
    const [row] = await source.db.query<R>(text);
    if (row === undefined) throw new Error(`no row: ${text}`);
    return row;
  };

  test('every row of clicks is a view on its day, with its clicks', async () => {
    const rows = files.rowsOfAaa('studentVle');
    expect(rows.length).toBeGreaterThan(15_000);
    const last = rows.reduce((latest, row) => Math.max(latest, Number(row['date'])), 0);
    const zero = Date.parse('2026-05-20T00:00:00Z') - last * DAY;
    const perDay = new Map<string, { rows: number; clicks: number; sites: Set<string>; students: Set<string> }>();
    for (const row of rows) {
      const date = new Date(zero + Number(row['date']) * DAY).toISOString().slice(0, 10);
      const day = perDay.get(date) ?? { rows: 0, clicks: 0, sites: new Set(), students: new Set() };
      day.rows += 1;
      day.clicks += Number(row['sum_click']);
      day.sites.add(row['id_site'] ?? '');
      day.students.add(row['id_student'] ?? '');
      perDay.set(date, day);
    }
    const expected = [...perDay].map(([date, day]) => ({
      date,
      rows: day.rows,
      clicks: day.clicks,
      sites: day.sites.size,
      students: day.students.size,
    }));
    const stored = await source.db.query(
      `SELECT timestamp::date AS date, count(*)::int AS rows, sum((metadata ->> 'clicks')::int)::int AS clicks,
         count(DISTINCT resource_id)::int AS sites, count(DISTINCT student_id)::int AS students
       FROM activity_logs WHERE activity_type = 'view' GROUP BY 1 ORDER BY 1`,
    );
    expect(stored).toEqual(expected.sort((a, b) => (a.date < b.date ? -1 : 1)));
    const notMidnight = 'SELECT count(*)::int AS n FROM activity_logs WHERE timestamp <> timestamp::date';
    expect(await one(notMidnight)).toEqual({ n: 0 });
  });

  test('every registered student is enrolled on the day of registration', async () => {
    const zero = Date.parse(`${result.firstDay}T00:00:00Z`);
    const expected = files
      .rowsOfAaa('studentRegistration')
      .map((row) => ({
        student: `oulad-${row['id_student']}`,
        day:
          row['date_registration'] === ''
            ? null
            : new Date(zero + Number(row['date_registration']) * DAY).toISOString().slice(0, 10),
      }))
      .sort((a, b) => (a.student < b.student ? -1 : 1));
    expect(expected).toHaveLength(STUDENTS);
    const stored = await source.db.query(
      `SELECT external_id AS student, enrolled_at::date AS day FROM enrollments JOIN students s ON s.id = student_id
       ORDER BY external_id COLLATE "C"`,
    );
    expect(stored).toEqual(expected);
  });

  test('results are grades; those handed in are submissions, those banked are not', async () => {
    const assessments = new Map(files.rowsOfAaa('assessments').map((row) => [row['id_assessment'], row]));
    const results = files.rows('studentAssessment').filter((row) => assessments.has(row['id_assessment']));
    const handedIn = results.filter((row) => row['is_banked'] === '0');
    const scored = results.filter((row) => row['score'] !== '');
    const late = handedIn.filter((row) => {
      const due = assessments.get(row['id_assessment'])?.['date'] ?? '';
      return due !== '' && Number(row['date_submitted']) > Number(due);
    });
    expect(
      await one(`SELECT count(*)::int AS n, count(grade_value)::int AS scored, sum(grade_value)::int AS sum,
      count(DISTINCT grade_item)::int AS items, min(grade_max)::int AS max FROM grades`),
    ).toEqual({
      n: results.length,
      scored: scored.length,
      sum: scored.reduce((sum, row) => sum + Number(row['score']), 0),
      items: new Set(results.map((row) => row['id_assessment'])).size,
      max: 100,
    });
    expect(
      await one(`SELECT count(*)::int AS n,
      count(*) FILTER (WHERE timestamp::date > (metadata ->> 'due_at')::date)::int AS late
      FROM activity_logs WHERE activity_type = 'submission'`),
    ).toEqual({ n: handedIn.length, late: late.length });
    expect(await one(`SELECT grade_item AS item FROM grades ORDER BY 1 LIMIT 1`)).toEqual({ item: 'TMA 1752' });
  });

  test('what it reports is what there is, and the last day falls where it was asked to', async () => {
    const stored = await one(`SELECT (SELECT count(*)::int FROM students) AS students,
      (SELECT count(*)::int FROM enrollments) AS enrollments, (SELECT count(*)::int FROM grades) AS grades,
      (SELECT count(*)::int FROM activity_logs WHERE activity_type = 'view') AS views,
      (SELECT count(*)::int FROM activity_logs WHERE activity_type = 'submission') AS submissions,
      (SELECT max(timestamp)::date FROM activity_logs) AS last_day`);
    const { students, enrollments, grades, views, submissions, lastDay, seconds } = result;
    expect(stored).toEqual({ students, enrollments, grades, views, submissions, last_day: lastDay });
    expect(lastDay).toBe('2026-05-20');
    expect(loaded.at(-1)).toBe(1 + students + enrollments + grades + views + submissions);
    console.log(`AAA-2013J loaded in ${seconds.toFixed(1)} s`);
  });

  test('a second load is refused; --again replaces the course, row for row', async () => {
    const options = { directory, presentation: 'AAA-2013J', shiftTo: 'none' };
    await expect(loadPresentation(source.db, options)).rejects.toMatchObject({
      message: expect.stringContaining('AAA-2013J is in the database already'),
      hint: expect.stringContaining('--again'),
    });
    const ids = () => one('SELECT count(*)::int AS n, min(id::text) AS low, max(id::text) AS high FROM activity_logs');
    const before = await ids();
    const again = await loadPresentation(source.db, { ...options, again: true });
    expect(again.deleted).toBe(result.enrollments + result.grades + result.views + result.submissions);
    expect(again.firstDay).toBe('2013-10-01');
    expect(await ids()).toEqual(before);
    expect(await one('SELECT min(timestamp)::date AS first FROM activity_logs')).toEqual({ first: '2013-09-21' });
  });

  test('an unknown presentation is answered with those that have clicks', async () => {
    const load = loadPresentation(source.db, { directory, presentation: 'ZZZ-2099J', shiftTo: 'none' });
    await expect(load).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('ZZZ-2099J'),
      hint: expect.stringContaining('AAA-2013J, BBB-2013B'),
    });
  });
});
