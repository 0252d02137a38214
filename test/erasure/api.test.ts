import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startErasures } from '#libs/pipeline/erase.ts';
import { openLog } from '#libs/platform/log.ts';
import { verifyRecord } from '#libs/store/erasure/record.ts';
import { readErasedNames } from '../../services/api/erased-names.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import { addPeople, insertAll, serveWhile, uuid } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { erase, SIGNER } from './support.ts';

let analytics: TestDatabase;
let folder: string;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('erase_api');
  await addPeople(analytics.db, 6, 1);
  await insertAll(
    analytics.db,
    'performance_features',
    [1, 2, 3, 4, 5, 6].map((student) => ({ student_id: student, course_id: 1 })),
  );
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-erase-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await analytics.drop();
});

const TOKENS = ['looks:a-token-to-look:read|run', 'boss:a-token-to-erase:ops'];
const BOSS = { authorization: 'Bearer a-token-to-erase' };

const post = (url: string, body: unknown, headers: Record<string, string> = BOSS) =>
  fetch(`${url}/api/erase`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

describe('POST /api/erase', () => {
  test('is asked for with the scope ops, carried out by another, and told by its id', async () => {
    await serveWhile(analytics.db, { tokens: TOKENS }, async ({ url }) => {
      const refused = await post(url, { student: uuid('a', 1) }, { authorization: 'Bearer a-token-to-look' });
      expect(refused.status).toBe(403);

      const dry = await post(url, { student: uuid('a', 1), dry_run: true }, BOSS);
      expect(dry.status).toBe(200);
      expect(await dry.json()).toEqual({
        erasure_id: null,
        status: null,
        rows: { performance_features: 1, student: 1 },
      });

      const reason = `of ${uuid('a', 1)}, by letter`;
      const asked = await post(url, { student: uuid('a', 1).toUpperCase(), reason }, BOSS);
      expect(asked.status).toBe(202);
      const { erasure_id: id } = (await asked.json()) as { erasure_id: string };
      const again = await post(url, { student: uuid('a', 1) }, BOSS);
      expect([again.status, await again.json()]).toMatchObject([202, { erasure_id: id, status: 'queued' }]);
      const state = async () => (await fetch(`${url}/api/erase/${id}`, { headers: BOSS })).json();
      expect(await state()).toMatchObject({ status: 'queued', requested_by: 'token:boss', signed: null });

      const erasures = startErasures({ db: analytics.db, signer: () => SIGNER, log: openLog('silent'), pollMs: 20 });
      await expect.poll(async () => ((await state()) as { status: string }).status).toBe('finished');
      await erasures.stop();
      const { signed, ...told } = (await state()) as { signed: Parameters<typeof verifyRecord>[0] };
      expect(told).toMatchObject({ reason: 'of (the student), by letter', requested_by: 'token:boss' });
      expect(verifyRecord(signed, SIGNER)).toBe('genuine');
      expect(JSON.stringify(signed)).not.toContain(uuid('a', 1));

      const headers = { authorization: 'Bearer a-token-to-look' };
      expect((await fetch(`${url}/api/metrics/student/1`, { headers })).status).toBe(404);
      expect((await fetch(`${url}/api/metrics/student/${uuid('a', 1)}`, { headers })).status).toBe(404);
      const over = await post(url, { student: uuid('a', 1) }, BOSS);
      expect([over.status, await over.json()]).toEqual([200, { erasure_id: id, status: 'finished', rows: {} }]);
    });
  });

  test('asks for a token, also where nothing else does', async () => {
    await serveWhile(analytics.db, {}, async ({ url }) => {
      const answer = await post(url, { student: uuid('a', 4) }, {});
      expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'token_needed' } }]);
      expect(await analytics.db.query("SELECT FROM state.erasure WHERE status = 'queued'")).toEqual([]);
    });
  });

  test('of a student who was never seen, or is named in the settings, says so', async () => {
    await serveWhile(analytics.db, { tokens: TOKENS }, async ({ url }) => {
      const unknown = await post(url, { student: uuid('a', 99) });
      expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'student_not_found' } }]);
      expect((await post(url, { student: 'anna' })).status).toBe(400);
      expect((await post(url, {})).status).toBe(400);
      expect((await fetch(`${url}/api/erase/${uuid('e', 1)}`, { headers: BOSS })).status).toBe(404);

      const named = JSON.stringify({ EXCLUDED_STUDENTS: `${uuid('a', 5)},${uuid('a', 6)}` });
      await analytics.db.query("INSERT INTO state.settings (fingerprint, described) VALUES ('x', $1)", [named]);
      const excluded = await post(url, { student: uuid('a', 6) });
      expect([excluded.status, await excluded.json()]).toMatchObject([409, { error: { code: 'student_excluded' } }]);
      expect(await analytics.db.query('SELECT FROM student WHERE source_id = $1', [uuid('a', 6)])).toHaveLength(1);
    });
  });

  test('one that cannot be carried out holds up no other', async () => {
    const { db } = analytics;
    await db.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
      CREATE TRIGGER refuse BEFORE DELETE ON student FOR EACH ROW WHEN (OLD.student_id = 2) EXECUTE FUNCTION refuse()`);
    await serveWhile(db, { tokens: TOKENS }, async ({ url }) => {
      const ask = async (n: number) =>
        ((await (await post(url, { student: uuid('a', n) })).json()) as { erasure_id: string }).erasure_id;
      const [held, free] = [await ask(2), await ask(3)];
      const status = async (id: string) =>
        ((await (await fetch(`${url}/api/erase/${id}`, { headers: BOSS })).json()) as { status: string }).status;
      const erasures = startErasures({ db, signer: () => SIGNER, log: openLog('silent'), pollMs: 20 });
      await expect.poll(() => status(free)).toBe('finished');
      expect(await status(held)).toBe('queued');
      expect(erasures.trouble).toContain('not this one');
      // All or nothing: the features deleted before the fault are back.
      expect(await db.query('SELECT FROM performance_features WHERE student_id = 2')).toHaveLength(1);
      await db.query('DROP TRIGGER refuse ON student');
      await expect.poll(() => status(held)).toBe('finished');
      await erasures.stop();
    });
  });
});

describe('the access record', () => {
  test('names a digest in place of who was erased, in every file, and goes on to', async () => {
    const file = path.join(folder, 'access.log');
    const line = (about: string, query = '') =>
      `${JSON.stringify({ time: '2026-01-01T00:00:00.000Z', token: 'dash', path: `/api/metrics/student/${about}`, query, status: 200 })}\n`;
    const student = uuid('a', 4);
    writeFileSync(`${file}.2`, line(student) + line('44') + line(uuid('a', 44)) + line('4'));
    writeFileSync(`${file}.1`, line('1') + line('5'));
    const old = new Date('2026-01-02');
    for (const n of [1, 2]) utimesSync(`${file}.${n}`, old, old);
    writeFileSync(
      file,
      `${line('9', `student_id=${student}`)}${line(student.replaceAll('-', '%2D'))}{"path": "/api/trajectory/4`,
    );
    const all = (): string => [2, 1, 0].map((n) => readFileSync(n === 0 ? file : `${file}.${n}`, 'utf8')).join('');
    await serveWhile(analytics.db, { accessRecord: file }, async ({ url }) => {
      await fetch(`${url}/api/metrics/student/${student}`);
      expect(all()).toContain(student);
      const { record } = await erase(analytics.db, student);
      const shown = `erased-${record.student_digest.slice(0, 16)}`;
      await expect.poll(() => all().includes(student)).toBe(false);
      await fetch(`${url}/api/metrics/student/${student.toUpperCase()}`);
      await fetch(`${url}/api/features/temporal/4?cursor=x`);
      await fetch(`${url}/api/metrics/student/5`);
      const text = all();
      expect(text.toLowerCase()).not.toContain(student);
      expect(text.match(new RegExp(shown, 'g'))).toHaveLength(8);
      // Entries about others stay as they were: 44 is not 4.
      for (const other of ['/student/44"', uuid('a', 44), '/student/5"']) expect(text).toContain(other);
      expect(text).not.toMatch(/\/(student|temporal|trajectory)\/4\b/);
    });
  });

  test('names it wherever a student stands in a path', async () => {
    const { record } = await erase(analytics.db, uuid('a', 6));
    const shown = `erased-${record.student_digest.slice(0, 16)}`;
    const names = await readErasedNames(analytics.db);
    const paths = ROUTES.flatMap(({ path: route, params }) =>
      Object.entries(params.shape)
        .filter(([, { description = '' }]) => description.startsWith('The student'))
        .map(([name]) => route.replace(`:${name}`, '6').replaceAll(/:\w+/g, '7')),
    );
    expect(paths.length).toBeGreaterThan(3);
    for (const asked of paths) expect(names.hide(asked), asked).toBe(asked.replace('/6', `/${shown}`));
  });

  test('keeps no place in a list that began behind who was erased', async () => {
    const names = await readErasedNames(analytics.db);
    const cursor = (...key: (string | number)[]) => `cursor=${Buffer.from(JSON.stringify(key)).toString('base64url')}`;
    // 4 is erased, 5 and 44 are not.
    for (const key of [[4], [8, 12, 4, 1], [1, 4, '2026-01-01'], ['17', 'performance_features:4/1']])
      expect(names.hide(`limit=9&${cursor(...key)}`)).toBe('limit=9&cursor=…');
    for (const key of [[5], [44], ['2026-05-05', 9]]) expect(names.hide(cursor(...key))).toBe(cursor(...key));
  });

  test('takes no time over thousands of zeros, whoever sends them', async () => {
    const names = await readErasedNames(analytics.db);
    const sent = `/nowhere/student/${'0'.repeat(16_000)}x`;
    const began = performance.now();
    for (let times = 0; times < 10; times += 1) expect(names.hide(sent)).toBe(sent);
    // With a pattern that tries every division of them, it took ten seconds.
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(names.hide(`/api/trajectory/${'0'.repeat(16_000)}6`)).toMatch(/^\/api\/trajectory\/erased-/);
  });

  test('files that are no longer written to are deleted when they were kept long enough', async () => {
    const file = path.join(folder, 'old.log');
    const days = (n: number): Date => new Date(Date.parse('2026-03-20T12:00:00Z') - n * 86_400_000);
    for (const [n, age] of [
      [1, 9],
      [2, 11],
    ] as const) {
      writeFileSync(`${file}.${n}`, 'x\n');
      utimesSync(`${file}.${n}`, days(age), days(age));
    }
    const asked = (age: number, what = ''): string => `{"time":"${days(age).toISOString()}","path":"${what}"}\n`;
    // A file that is written too seldom to rotate: its old lines go, and so do those of rotated files.
    writeFileSync(file, `${asked(400) + asked(11) + asked(9, 'kept')}no line of ours\n`);
    writeFileSync(`${file}.3`, asked(12) + asked(8, 'kept'));
    const there = (n: number): boolean => {
      try {
        return readFileSync(`${file}.${n}`, 'utf8') !== '';
      } catch {
        return false;
      }
    };
    await serveWhile(analytics.db, { accessRecord: file, accessRecordDays: 10 }, async ({ url }) => {
      await expect.poll(() => there(2)).toBe(false);
      expect(there(1)).toBe(true);
      await expect.poll(() => readFileSync(file, 'utf8')).toBe(`${asked(9, 'kept')}no line of ours\n`);
      expect(readFileSync(`${file}.3`, 'utf8')).toBe(asked(8, 'kept'));
      // New requests are appended after them.
      await fetch(`${url}/api/courses`);
      expect(readFileSync(file, 'utf8')).toContain('/api/courses');
    });
  });
});
