import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { forgetRuns } from '../pipeline-runs/support.ts';
import { openRunsApi, type RunsApi } from './runs.ts';
import { ask, errorOf, startTestApi, uuid } from './support.ts';

let runs: RunsApi;
beforeAll(async () => {
  runs = await openRunsApi('api_pipeline_refusals');
});
afterAll(() => runs.close());
beforeEach(() => forgetRuns(runs.db));

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

describe('what cannot be', () => {
  test.each([
    [{ mode: 'backfill' }, /^from is missing: a backfill needs the day/],
    [{ from: '2026-03-02', to: '2026-03-01' }, /^from is "2026-03-02": it lies after to, 2026-03-01$/],
    [{ mode: 'backfill', from: '2026-03-21' }, /^from is "2026-03-21": it lies in the future; today is 2026-03-20$/],
    [{ mode: 'backfill', from: '2026-03-01', to: '9999-12-31' }, /^to is "9999-12-31": it lies in the future/],
    [{ from: '2026-02-29' }, /^from is "2026-02-29": a day, YYYY-MM-DD, is expected$/],
    [{ from: 20260301 }, /^from is 20260301: a day/],
    [{ mode: 'forward' }, /^mode is "forward": reconcile or backfill is expected$/],
    [{ mode: ['reconcile'] }, /^mode is \["reconcile"\]: reconcile or backfill/],
    [{ course_id: 'maths' }, /^course_id is "maths": an integer or a UUID is expected$/],
    [{ course_id: 1.5 }, /^course_id is 1\.5: an integer or a UUID/],
    [{ course_id: -1 }, /^course_id is -1: an integer or a UUID/],
    [{ student_id: { id: 1 } }, /^student_id is \{"id":1\}: an integer or a UUID/],
    [{ dry_run: 'yes' }, /^dry_run is "yes": true or false is expected$/],
    [{ mode: 'reconcile', force: true }, /^there is no field "force" here$/],
    [{ ['__proto__']: 1, constructor: 2 }, /^there is no field "__proto__", "constructor" here$/],
    [[], /^the body is \[\]: a JSON object is expected$/],
    [null, /^the body is null: a JSON object is expected$/],
    ['"reconcile"', /^the body is "reconcile": a JSON object/],
    ['mode=reconcile', /^the body is not JSON: /],
    ['{"mode":', /^the body is not JSON: /],
    ['\u0000\u0001', /^the body is not JSON: /],
  ])('%j is refused', async (body, message) => {
    const answer = await runs.trigger(body);
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toMatch(message);
    expect(await runs.countRuns()).toBe(0n);
  });

  test.each([
    [{ course_id: 4711 }, 'course_not_found', 'there is no course 4711'],
    [{ course_id: 99999999999 }, 'course_not_found', 'there is no course 99999999999'],
    [{ student_id: uuid('a', 77) }, 'student_not_found', `there is no student ${uuid('a', 77)}`],
  ])('%j is not known', async (body, code, message) => {
    const answer = await runs.trigger(body);
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toMatchObject({ code, message });
    expect(await runs.countRuns()).toBe(0n);
  });

  test('a parameter that there is not, and a wait that is neither', async () => {
    expect(errorOf(await runs.trigger({}, '?wait=yes')).message).toBe('wait is "yes": true or false is expected');
    expect(errorOf(await runs.trigger({}, '?mode=reconcile')).message).toBe('there is no parameter "mode" here');
    expect(await runs.countRuns()).toBe(0n);
  });

  test('a body of 5 MB is refused, and the connection lives', async () => {
    const answer = await runs.trigger(JSON.stringify({ mode: 'reconcile', note: 'x'.repeat(5_000_000) }));
    expect(answer.status).toBe(413);
    expect(errorOf(answer)).toMatchObject({ code: 'body_too_large', message: 'the body is longer than 65536 bytes' });
    expect((await runs.trigger()).status).toBe(202);
  });

  test('a body of 5 MB without a length is refused as well', async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const asking = request(`${runs.url}/api/pipeline/trigger`, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asking.on('error', reject);
      for (let n = 0; n < 80; n += 1) asking.write('x'.repeat(65_536));
      asking.end();
    });
    expect(answer).toBe(413);
    expect(await runs.countRuns()).toBe(0n);
  });

  test('a body that breaks off asks for nothing', async () => {
    const asking = request(`${runs.url}/api/pipeline/trigger`, { method: 'POST', headers: { 'content-length': 100 } });
    asking.on('error', () => {});
    asking.write('{"mode":');
    await sleep(100);
    asking.destroy();
    await sleep(100);
    expect(await runs.countRuns()).toBe(0n);
    expect((await runs.trigger()).status).toBe(202);
  });

  test.each([
    ['GET', '/api/pipeline/trigger', 'POST'],
    ['HEAD', '/api/pipeline/trigger', 'POST'],
    ['PUT', '/api/pipeline/cancel', 'POST'],
    ['POST', '/api/pipeline/status', 'GET, HEAD'],
  ])('%s %s is refused with what is allowed', async (method, path, allowed) => {
    const answer = await ask(runs.url + path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allowed);
  });
});

describe('who may', () => {
  test('with tokens only those who have one', async () => {
    const guarded = await startTestApi(runs.db, { tokens: ['secret'] });
    stops.push(() => guarded.stop());
    const url = `${guarded.url}/api/pipeline/trigger`;
    expect((await ask(url, { method: 'POST' })).status).toBe(401);
    expect((await ask(url, { method: 'POST', body: 'x'.repeat(5_000_000) })).status).toBe(401);
    expect(await runs.countRuns()).toBe(0n);
    expect((await ask(url, { method: 'POST', headers: { authorization: 'Bearer secret' } })).status).toBe(202);
  });

  test.each(['https://evil.example', 'http://127.0.0.1.evil.example', 'null', 'http://evil.example:127'])(
    'without tokens a page of %s may not ask in the name of somebody on this machine',
    async (origin) => {
      const answer = await runs.post('/api/pipeline/trigger', undefined, { origin });
      expect(answer.status).toBe(403);
      expect(errorOf(answer).code).toBe('forbidden_origin');
      expect(await runs.countRuns()).toBe(0n);
    },
  );

  test.each(['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:8001'])('a page of %s may', async (origin) => {
    expect((await runs.post('/api/pipeline/trigger', undefined, { origin })).status).toBe(202);
  });
});

test('the database is away: 503, and nothing is claimed to be asked for', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const broken = await startTestApi({ ...runs.db, query: () => Promise.reject(away) });
  stops.push(() => broken.stop());
  const answer = await ask(`${broken.url}/api/pipeline/trigger`, { method: 'POST' });
  expect(answer.status).toBe(503);
  expect(errorOf(answer).code).toBe('database_unavailable');
});
