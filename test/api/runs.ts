import { expect } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import type { Runner } from '#libs/reconcile/contract.ts';
import { statusAnswer } from '#libs/serve/runs.ts';
import { startReconcile } from '../../services/reconcile/role.ts';
import { QUICK } from '../pipeline-runs/fake.ts';
import { createAnalyticsDatabase } from '../support/database.ts';
import { type Answer, addPeople, ask, NOW, startTestApi } from './support.ts';

/** The API of a database with two students and two courses, on 2026-03-20, and helpers for its routes about runs. */
export async function openRunsApi(purpose: string) {
  const analytics = await createAnalyticsDatabase(purpose);
  const { db, address } = analytics;
  await addPeople(db, 2, 2);
  await db.query("INSERT INTO state.calendar (today) VALUES ('2026-03-20')");
  const api = await startTestApi(db);
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(api.url + path, {
      method: 'POST',
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    db,
    url: api.url,
    post,
    trigger: (body?: unknown, query = ''): Promise<Answer> => post(`/api/pipeline/trigger${query}`, body),
    status: async (id?: string) => {
      const answer = await ask(`${api.url}/api/pipeline/status${id === undefined ? '' : `?run_id=${id}`}`);
      expect(answer.status).toBe(200);
      return statusAnswer.parse(answer.body);
    },
    countRuns: async (): Promise<bigint | undefined> =>
      (await db.query<{ count: bigint }>('SELECT count(*) FROM state.pipeline_run'))[0]?.count,
    /** Starts the role that executes the requested runs. @returns stops it */
    execute: (runner: Runner): (() => Promise<void>) => {
      const log = openLog('silent');
      const clock = { now: () => NOW };
      const role = startReconcile({ db, analytics: address, runner, schedule: null, clock, log, timing: QUICK });
      return () => role.stop();
    },
    close: async (): Promise<void> => {
      await api.stop();
      await analytics.drop();
    },
  };
}
export type RunsApi = Awaited<ReturnType<typeof openRunsApi>>;

/** The run that an answer names. */
export const idOf = (answer: Answer): string => (answer.body as { run_id: string }).run_id;
