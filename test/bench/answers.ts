import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { together } from './floor.ts';
import type { ClientAnswer, ClientTask } from './http-client.ts';
import { keepClicking } from './load.ts';
import { Meter } from './measure.ts';
import { untilCaughtUp } from './product.ts';
import { type BenchmarkResult, figure, type Measured, median } from './report.ts';
import type { World } from './world.ts';

const LAUNCH = path.resolve(import.meta.dirname, '../../libs/platform/launch.mjs');
const CONNECTIONS = 32;
const STUDENTS = 200;
const SECONDS = 6;
const ROUNDS = 2;
const AIM = 0.5;

/** (f) The API beside a server that only sends the same body, while changes come in. */
export async function answers(world: World): Promise<BenchmarkResult> {
  await world.snapshotTaken();
  const source = await world.source();
  const product = await world.startProduct();
  const api = await world.startProduct({ program: 'services/api/main.ts' });
  let bare: ChildProcess | undefined;
  let stopLoad: (() => Promise<void>) | undefined;
  try {
    await untilCaughtUp(product, source, world.analyticsAddress());
    const url = await api.untilServing();
    const ids = await world.onAnalytics((db) =>
      db.query<{ id: number }>('SELECT DISTINCT student_id AS id FROM engagement_features ORDER BY 1 LIMIT $1', [
        STUDENTS,
      ]),
    );
    const paths = ids.map(({ id }) => `/api/metrics/student/${id}`);
    const file = path.join(world.folder, 'body.json');
    const body = await (await fetch(`${url}${paths[0] ?? ''}`)).text();
    writeFileSync(file, body);
    bare = start(world, 'bare-http.ts', [file]);
    const bareUrl = await said<string>(bare);
    stopLoad = keepClicking(source, world.shape);
    const seconds = world.repeats ? SECONDS : 1;
    const runs: { ours: Measured[]; bare: Measured[] } = { ours: [], bare: [] };
    await request(world, { url, paths, connections: CONNECTIONS, seconds: 0.5 });
    for (let round = 0; round < (world.repeats ? ROUNDS : 1); round += 1) {
      const ask = { paths, connections: CONNECTIONS, seconds };
      runs.ours.push(await measure(world, 'the API', api.pid, { ...ask, url }));
      runs.bare.push(await measure(world, 'bare node:http', bare.pid ?? 0, { ...ask, url: bareUrl }));
    }
    return resultOf(together(runs.ours), together(runs.bare), body.length);
  } finally {
    await stopLoad?.();
    bare?.kill();
    await api.stop();
    await product.stop();
  }
}

function resultOf(ours: Measured, bare: Measured, bytes: number): BenchmarkResult {
  return {
    letter: 'f',
    title: `GET /api/metrics/student/{id} on ${CONNECTIONS} connections, while 500 changes a second come in`,
    verdicts: [
      {
        what: 'requests a second, of a bare server',
        got: median(ours.values) / median(bare.values),
        unit: '×',
        bound: 'at least',
        aim: AIM,
        against: `${figure(median(ours.values))} beside ${figure(median(bare.values))} requests/s with the same ${bytes} bytes`,
      },
    ],
    runs: [ours, bare],
    notes: [],
  };
}

async function measure(world: World, name: string, pid: number, task: ClientTask): Promise<Measured> {
  const meter = new Meter(world.servers, pid);
  const { requestsPerSecond, p50, p99, failures } = await request(world, task);
  if (failures > 0) throw new Error(`${name} failed ${failures} requests`);
  return {
    name: `${name} (of one request p50 ${figure(p50)} ms, p99 ${figure(p99)} ms)`,
    values: [requestsPerSecond],
    unit: 'requests/s',
    usage: meter.read(),
  };
}

const request = (world: World, task: ClientTask): Promise<ClientAnswer> =>
  said<ClientAnswer>(start(world, 'http-client.ts', [], { BENCH_TASK: JSON.stringify(task) }));

function start(world: World, file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = fork(LAUNCH, [`test/bench/${file}`, ...args], { env: { ...process.env, ...env }, execArgv: [] });
  world.keep(child);
  return child;
}

/** The first message of a child. */
function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`a child of the benchmark ended with code ${code}`)));
  });
}
