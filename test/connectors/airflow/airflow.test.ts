import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { Program } from '../../e2e/program.ts';
import { seededDataDir } from '../../e2e/seeded.ts';
import { isPythonLeftOut, runPython } from '../../support/python.ts';

/* The DAGs in a real Airflow, against a program as a user runs it; and against a stand-in, for every outcome of a run. */

const REQUIREMENTS = path.join(import.meta.dirname, 'requirements.txt');
const DAGS = path.resolve(import.meta.dirname, '../../../connectors/airflow/dags');
const STEPS = path.join(import.meta.dirname, 'steps.py');
const TOKEN = 'a-token-for-airflow-that-is-long';
const TIMEOUT_MS = 600_000;

const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-airflow-'));
const airflow = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
  runPython(REQUIREMENTS, args, {
    timeout: TIMEOUT_MS,
    env: {
      AIRFLOW_HOME: folder,
      AIRFLOW__CORE__DAGS_FOLDER: DAGS,
      AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
      ...env,
    },
  });

type Command = readonly [args: readonly string[], env: Readonly<Record<string, string>>];

/** The output of a DAG, and whether it succeeded. */
interface DagRun {
  readonly said: string;
  readonly success: boolean;
}

/** Runs DAGs one after another in a new Airflow. */
async function runDags(commands: readonly Command[]): Promise<DagRun[]> {
  const tests = commands.map(([args, env]) => [['dags', 'test', ...args], env]);
  const printed = await airflow([STEPS, JSON.stringify([[['db', 'migrate'], {}], ...tests])]);
  return printed
    .split('\x1e')
    .slice(2)
    .map((text) => {
      // On a single line, so that wrapped output and tracebacks can be matched.
      const said = stripVTControlCharacters(text).replaceAll(/[ \n]+/g, ' ');
      return { said, success: /DagRun Finished.*state=success/.test(said) };
    });
}

describe.skipIf(isPythonLeftOut(REQUIREMENTS))('in a real Airflow', () => {
  const tokens = { API_TOKENS: `airflow:${TOKEN}:run`, API_OPEN_PROBES: 'on' };
  let program: Program;
  const connection = (token = TOKEN) => ({
    AIRFLOW_CONN_PREPADATA: `http://:${token}@127.0.0.1:${new URL(program.url).port}`,
  });

  let runs: readonly DagRun[];

  beforeAll(async () => {
    program = new Program(await seededDataDir(), { PIPELINE_SCHEDULE: 'off', ...tokens });
    await program.start().untilReady();
    const { analytics, close } = program.open();
    await analytics.query(
      `UPDATE performance_features SET success_rate = 1.23
       WHERE (student_id, course_id) IN (SELECT student_id, course_id FROM performance_features WHERE success_rate > 2 LIMIT 1)`,
    );
    await close();
    const conf = JSON.stringify({
      from: new Date(Date.now() - 7 * MS_PER_DAY).toISOString().slice(0, 10),
      course_id: 1,
    });
    runs = await runDags([
      [['daily_prepa_data_pipeline'], connection()],
      [['backfill_prepa_data_pipeline', '--conf', conf], { PREPADATA_URL: `${program.url}/`, PREPADATA_TOKEN: TOKEN }],
      [['daily_prepa_data_pipeline'], connection('wrong')],
    ]);
  }, 2 * TIMEOUT_MS);
  afterAll(async () => {
    await program?.cleanUp();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the nightly reconcile finds what was changed behind its back, repairs it, and says so as a table', () => {
    expect(runs[0]).toMatchObject({ success: true });
    expect(runs[0]?.said).toMatch(/activity_logs +\d+ +0 +0 +0 +0/);
    expect(runs[0]?.said).toMatch(/performance_features\.success_rate +\d+ +1 +0 +0 +1/);
    expect(runs[0]?.said).toMatch(/found 1\.23, repaired/);
  });

  test('a backfill is given its days; where there is no connection, the environment says where', () => {
    expect(runs[1]).toMatchObject({ success: true });
    expect(runs[1]?.said).toContain('(backfill) succeeded');
    expect(runs[1]?.said).toMatch(/is asked for: .*'course_id': 1/);
  });

  test('a wrong token fails at once, and says what to do', () => {
    expect(runs[2]).toMatchObject({ success: false });
    expect(runs[2]?.said).toContain('AirflowFailException: PrepaData answered 401');
    expect(runs[2]?.said).not.toContain(TOKEN);
    expect(runs[2]?.said).not.toMatch(/up_for_retry/i);
  });

  test(
    'the DAGs have their names, schedule and retries, and check their parameters',
    async () => {
      const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(DAGS)})
from prepadata_pipelines import backfill, daily
from airflow.sdk.exceptions import AirflowException
def refuses(**values):
    try:
        made = backfill()
        made.params.update(values)
        made.params.validate()
        return False
    except Exception:
        return True
print(json.dumps({
    made.dag_id: [made.schedule, made.catchup, [[task.retries, task.retry_delay.total_seconds()] for task in made.tasks]]
    for made in (daily(), backfill())
}))
print(json.dumps([refuses(), refuses(**{"from": "yesterday"}), refuses(**{"from": "2026-01-01"})]))
`;
      const lines = (await airflow(['-c', script])).trim().split('\n');
      const [dags = '', refused = ''] = lines.slice(-2);
      expect(JSON.parse(dags)).toEqual({
        daily_prepa_data_pipeline: ['0 2 * * *', false, [[2, 300]]],
        backfill_prepa_data_pipeline: [null, false, [[2, 300]]],
      });
      expect(JSON.parse(refused)).toEqual([true, true, false]);
    },
    TIMEOUT_MS,
  );
});

type Answers = Readonly<Record<string, readonly (readonly [status: number, body: object])[]>>;

const RUN = {
  run_id: 'ours',
  mode: 'reconcile',
  status: 'succeeded',
  reason: null,
  progress: null,
  records_failed: 0,
  verdict: { tables: {}, features: {}, examples: [] },
};

/** An API that gives these answers in turn, and then no more. */
async function standIn(answers: Answers): Promise<{ url: string; server: Server }> {
  const left = new Map(Object.entries(answers).map(([place, list]) => [place, [...list]]));
  const server = createServer((request, response) => {
    const next = left.get(request.url ?? '')?.shift();
    if (next === undefined || next[0] === 0) {
      request.socket.destroy();
      return;
    }
    response.writeHead(next[0], { 'content-type': 'application/json' });
    response.end(JSON.stringify(next[1]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, server };
}

const TRIGGER = '/api/pipeline/trigger';
const statusOf = (id: string): string => `/api/pipeline/status?run_id=${id}`;
const asked: Answers[string] = [[202, { run_id: 'ours', status: 'queued' }]];

/**
 * What the client reports about a run against each API: its result, or the error with its name. In one process, since
 * its imports cost most.
 */
async function runAgainst(apis: readonly Answers[]): Promise<string[]> {
  const standIns = await Promise.all(apis.map(standIn));
  const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(DAGS)})
import prepadata_client as client
def run(url):
    try:
        return client.run_to_its_end(client.Api(url), {"mode": "reconcile", "from": None}, sleep=lambda s: None)["run_id"]
    except Exception as error:
        return f"{type(error).__name__} {error}"
print(json.dumps([run(url) for url in sys.argv[1:]]))
`;
  const urls = standIns.map(({ url }) => url);
  try {
    return JSON.parse(await runPython(REQUIREMENTS, ['-c', script, ...urls], { timeout: TIMEOUT_MS })) as string[];
  } finally {
    for (const { server } of standIns) server.close();
  }
}

describe.skipIf(isPythonLeftOut(REQUIREMENTS))('what a run can come to', () => {
  const cases: readonly [name: string, Answers, said: string | RegExp][] = [
    [
      'another run goes: it is waited for, and then ours is asked for',
      {
        [TRIGGER]: [[409, { error: { code: 'run_active', message: 'm', hint: 'h', run_id: 'other' } }], ...asked],
        [statusOf('other')]: [
          [200, { ...RUN, status: 'running', progress: { phase: 'rows', done: 1, total: null } }],
          [200, { ...RUN, status: 'failed' }],
        ],
        [statusOf('ours')]: [[200, RUN]],
      },
      'ours',
    ],
    [
      'it fails',
      { [TRIGGER]: asked, [statusOf('ours')]: [[200, { ...RUN, status: 'failed', reason: 'no disk', verdict: null }]] },
      'RunFailed run ours failed: no disk',
    ],
    [
      'it is cancelled',
      { [TRIGGER]: asked, [statusOf('ours')]: [[200, { ...RUN, status: 'cancelled', verdict: null }]] },
      'RunFailed run ours cancelled: no reason is known',
    ],
    [
      'it leaves differences',
      { [TRIGGER]: asked, [statusOf('ours')]: [[200, { ...RUN, records_failed: 3 }]] },
      'RunFailed run ours left 3 differences that it could not repair',
    ],
    [
      'the API is away for a while: the run goes on without it',
      {
        [TRIGGER]: asked,
        [statusOf('ours')]: [
          [0, {}],
          [503, {}],
          [200, RUN],
        ],
      },
      'ours',
    ],
    ['the API is away', {}, /^ConnectionError /],
    ['the API goes away and does not come back', { [TRIGGER]: asked }, /^ConnectionError /],
    [
      'the request makes no sense',
      { [TRIGGER]: [[400, { error: { code: 'c', message: 'from is wrong', hint: 'correct it' } }]] },
      'Refused PrepaData answered 400: from is wrong; correct it',
    ],
  ];
  let said: readonly string[];
  beforeAll(async () => {
    said = await runAgainst(cases.map(([, answers]) => answers));
  }, TIMEOUT_MS);

  test.each(cases.map(([name, , expected], index) => [name, expected, index] as const))('%s', (_, expected, index) => {
    expect(said[index]).toMatch(expected);
  });
});
