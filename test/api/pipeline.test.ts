import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Runner } from '#libs/reconcile/contract.ts';
import { runAnswer } from '#libs/serve/runs.ts';
import { ALL_EQUAL, endless, FakeRunner, Gate, resultOf } from '../pipeline-runs/fake.ts';
import { ended, forgetRuns, until } from '../pipeline-runs/support.ts';
import { NOTHING } from '../support/nothing.ts';
import { idOf, openRunsApi, type RunsApi } from './runs.ts';
import { type Answer, ask, errorOf, startTestApi, uuid } from './support.ts';

let runs: RunsApi;
beforeAll(async () => {
  runs = await openRunsApi('api_pipeline');
});
afterAll(() => runs.close());
beforeEach(() => forgetRuns(runs.db));

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const execute = (runner: Runner): void => {
  stops.push(runs.execute(runner));
};

describe('POST /api/pipeline/trigger', () => {
  test('puts a run into the queue and says which', async () => {
    const answer = await runs.trigger({ mode: 'reconcile' });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ run_id: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'queued' });
    expect(await runs.status(idOf(answer))).toMatchObject({
      run_id: idOf(answer),
      status: 'queued',
      mode: 'reconcile',
      scope: NOTHING,
      dry_run: false,
      requested_by: 'api',
      attempts: 0,
      verdict: null,
    });
  });

  test('without a body asks for a reconcile of everything', async () => {
    expect((await runs.trigger()).status).toBe(202);
    expect(await runs.status()).toMatchObject({ mode: 'reconcile', scope: NOTHING });
  });

  test('takes integers and UUIDs, and null for what is not narrowed', async () => {
    const bodies = [
      { course_id: 2, student_id: uuid('a', 1) },
      { course_id: '2', student_id: '1' },
      { course_id: uuid('c', 2).toUpperCase(), student_id: 1, from: null, to: null },
    ];
    for (const body of bodies) {
      await runs.trigger({ mode: 'reconcile', dry_run: true, ...body });
      expect(await runs.status()).toMatchObject({ scope: { course_id: 2, student_id: 1 }, dry_run: true });
      await forgetRuns(runs.db);
    }
    await runs.trigger({ mode: 'backfill', from: '2026-03-01', to: '2026-03-20' });
    expect(await runs.status()).toMatchObject({ mode: 'backfill', scope: { from: '2026-03-01', to: '2026-03-20' } });
  });

  test('wait=true answers when the run has ended, with its verdict', async () => {
    execute(new FakeRunner());
    const answer = await runs.trigger({ mode: 'reconcile' }, '?wait=true');
    expect(answer.status).toBe(200);
    expect(runAnswer.parse(answer.body)).toMatchObject({
      status: 'succeeded',
      attempts: 1,
      verdict: ALL_EQUAL,
      records_processed: 5,
      records_failed: 0,
      reason: null,
    });
  });

  test('wait=true answers with the reason when the run fails', async () => {
    execute(new FakeRunner(() => Promise.reject(new Error('the source has no table grades'))));
    const answer = await runs.trigger({}, '?wait=true');
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'failed', reason: 'the source has no table grades', verdict: null },
    });
  });

  test('a client that goes away while it waits does not stop the run', async () => {
    const gate = new Gate();
    execute(
      new FakeRunner(async () => {
        await gate.opened;
        return resultOf();
      }),
    );
    const leaving = new AbortController();
    const waiting = fetch(`${runs.url}/api/pipeline/trigger?wait=true`, { method: 'POST', signal: leaving.signal });
    waiting.catch(() => {});
    let run = await runs.status();
    while (run.status !== 'running') {
      await sleep(10);
      run = await runs.status();
    }
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    await sleep(300);
    gate.open();
    expect(await until(runs.db, run.run_id, ended)).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  test('a server that drains sends those who wait away; the run goes on', async () => {
    const gate = new Gate();
    execute(
      new FakeRunner(async () => {
        await gate.opened;
        return resultOf();
      }),
    );
    const draining = await startTestApi(runs.db);
    const waiting = ask(`${draining.url}/api/pipeline/trigger?wait=true`, { method: 'POST' });
    while ((await runs.status()).status !== 'running') await sleep(10);
    await draining.stop();
    // Cut off after the grace period, it would get no answer.
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 202, body: { status: 'running' } });
    gate.open();
    expect(await until(runs.db, idOf(answer), ended)).toMatchObject({ status: 'succeeded' });
  });
});

describe('one at a time', () => {
  test('of many at once one is accepted, the others are told which', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => runs.trigger({ mode: 'reconcile' })));
    const accepted = answers.filter((answer) => answer.status === 202);
    const refused = answers.filter((answer) => answer.status === 409);
    expect([accepted.length, refused.length]).toEqual([1, 7]);
    const id = accepted.map(idOf)[0];
    for (const { body } of refused) {
      expect(body).toEqual({
        error: {
          code: 'run_active',
          message: `run ${id} is queued, and runs go one at a time`,
          hint: expect.stringContaining(`/api/pipeline/status?run_id=${id}`),
          run_id: id,
        },
      });
    }
    expect(await runs.countRuns()).toBe(1n);
  });

  test('while one runs another is refused; once it has ended there is room', async () => {
    execute(endless);
    const id = idOf(await runs.trigger());
    await until(runs.db, id, (run) => run.status === 'running');
    const refused = await runs.trigger({ mode: 'backfill', from: '2026-03-01' }, '?wait=true');
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'run_active', run_id: id } } });
    await runs.post('/api/pipeline/cancel', { run_id: id });
    await until(runs.db, id, ended);
    expect((await runs.trigger()).status).toBe(202);
  });
});

describe('GET /api/pipeline/status', () => {
  test('says none where there was never a run; one that was never asked for is a 404', async () => {
    expect(await runs.status()).toEqual({ status: 'none' });
    const missing = await ask(`${runs.url}/api/pipeline/status?run_id=00000000-0000-4000-8000-000000000000`);
    expect([missing.status, errorOf(missing).code]).toEqual([404, 'run_not_found']);
    expect((await ask(`${runs.url}/api/pipeline/status?run_id=7`)).status).toBe(400);
  });

  test('has the progress while it runs, and afterwards the verdict; without an id the newest', async () => {
    const gate = new Gate();
    execute(
      new FakeRunner(async ({ progress }, attempt) => {
        progress({ phase: 'comparing grades', done: attempt, total: null });
        if (attempt === 1) await gate.opened;
        return resultOf();
      }),
    );
    const first = idOf(await runs.trigger());
    await until(runs.db, first, (run) => run.progress !== null);
    expect(await runs.status()).toMatchObject({
      run_id: first,
      status: 'running',
      progress: { phase: 'comparing grades', done: 1, total: null },
      verdict: null,
      finished_at: null,
    });
    gate.open();
    await until(runs.db, first, ended);
    expect(await runs.status()).toMatchObject({ run_id: first, status: 'succeeded', verdict: ALL_EQUAL });
    const second = idOf(await runs.trigger({}, '?wait=true'));
    expect((await runs.status()) as { run_id: string }).toMatchObject({ run_id: second });
    expect(await runs.status(first.toUpperCase())).toMatchObject({ run_id: first, status: 'succeeded' });
  });
});

describe('POST /api/pipeline/cancel', () => {
  const cancel = (id: string): Promise<Answer> => runs.post('/api/pipeline/cancel', { run_id: id });

  test('ends what waits at once, and says so twice', async () => {
    const id = idOf(await runs.trigger());
    for (let n = 0; n < 2; n += 1)
      expect(await cancel(id)).toMatchObject({ status: 200, body: { run_id: id, status: 'cancelled' } });
  });

  test('asks the process of one that runs', async () => {
    execute(endless);
    const id = idOf(await runs.trigger());
    await until(runs.db, id, (run) => run.status === 'running');
    expect(await cancel(id)).toMatchObject({ status: 202, body: { run_id: id, status: 'running' } });
    expect(await until(runs.db, id, ended)).toMatchObject({ status: 'cancelled' });
  });

  test('has nothing to do for one that has ended, or never was', async () => {
    execute(new FakeRunner());
    const id = idOf(await runs.trigger({}, '?wait=true'));
    expect(await cancel(id)).toMatchObject({ status: 409, body: { error: { code: 'run_ended', run_id: id } } });
    expect(await cancel('00000000-0000-4000-8000-000000000000')).toMatchObject({ status: 404 });
    expect(errorOf(await runs.post('/api/pipeline/cancel')).message).toMatch(/^run_id is missing: the UUID of a run/);
  });
});

test('freshness and metrics tell of the last reconcile of everything', async () => {
  const last = async () => ((await ask(`${runs.url}/api/freshness`)).body as { reconcile: unknown }).reconcile;
  const metrics = async () =>
    (await (await fetch(`${runs.url}/metrics`)).text())
      .split('\n')
      .filter((line) => line.startsWith('prepadata_reconcile'));
  expect(await last()).toBeNull();
  expect(await metrics()).toEqual([]);
  const found = {
    ...ALL_EQUAL,
    tables: { grades: { equal: 3, mismatched: 1, missing: 1, extra: 1, repaired: 2 } },
    kinds: { 'value differs': 3 },
  };
  execute(new FakeRunner((_, run) => (run === 1 ? resultOf(found) : Promise.reject(new Error('no')))));
  const whole = idOf(await runs.trigger({}, '?wait=true'));
  const verdict = { equal: 5, different: 3, repaired: 2, left: 1 };
  const finished_at = expect.stringMatching(/Z$/);
  expect(await last()).toEqual({ run_id: whole, status: 'succeeded', finished_at, verdict });
  expect(await metrics()).toEqual([
    expect.stringMatching(/^prepadata_reconcile_finished_seconds\{status="succeeded"\} \d{10}(\.\d+)?$/),
    'prepadata_reconcile_differences{outcome="repaired"} 2',
    'prepadata_reconcile_differences{outcome="left"} 1',
  ]);
  for (const body of [{ dry_run: true }, { course_id: 1 }, { mode: 'backfill', from: '2026-03-01' }])
    await runs.trigger(body, '?wait=true');
  expect(await last()).toMatchObject({ run_id: whole });
  const failed = idOf(await runs.trigger({}, '?wait=true'));
  expect(await last()).toEqual({ run_id: failed, status: 'failed', finished_at, verdict: null });
});

test('the description has body and answers of the routes; test/api/openapi.test.ts has the refusals', async () => {
  interface Content {
    readonly content: { readonly 'application/json': { readonly schema: { properties?: object; $ref?: string } } };
  }
  const { paths, components } = (await ask(`${runs.url}/openapi.json`)).body as {
    paths: Record<string, { post: { requestBody: Content; responses: Record<string, Content> } }>;
    components: { schemas: Record<string, { properties: object }> };
  };
  const described = paths['/api/pipeline/trigger'];
  const schemaOf = (of: Content | undefined) => of?.content['application/json'].schema ?? {};
  const properties = (name: string) => Object.keys(components.schemas[name]?.properties ?? {});
  expect(Object.keys(described ?? {})).toEqual(['post']);
  const fields = schemaOf(described?.post.requestBody).properties ?? {};
  expect(Object.keys(fields)).toEqual(['mode', 'from', 'to', 'course_id', 'student_id', 'dry_run']);
  expect(schemaOf(described?.post.responses['202'])).toEqual({ $ref: '#/components/schemas/AcceptedRun' });
  expect(schemaOf(described?.post.responses['200'])).toEqual({ $ref: '#/components/schemas/Run' });
  expect(properties('AcceptedRun')).toEqual(['run_id', 'status']);
  expect(properties('Run')).toContain('verdict');
});
