import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { describeSettings } from '#libs/platform/config/groups.ts';
import { aborted, onSignals } from '#libs/platform/lifecycle.ts';
import { exitCodeOf, explain, runProgram } from '#libs/platform/program.ts';
import { sleep } from '#libs/platform/retry.ts';
import { type Makeup, startStack } from './run.ts';
import { Canvas, statusScreen } from './screen.ts';
import { endLeft, leaveFolder, ownerOf, readState, resetFolder, stopStack, takeFolder } from './state.ts';
import { readVitals, throughput } from './vitals.ts';

const USAGE = `npm run stack: the whole of PrepaData on this machine, every part a process of its own.

  npm run stack               brings up Postgres with a sample campus, Kafka, the schema registry, Kafka Connect with the
                              connector, and every role; shows how they are until Ctrl-C, which stops all of them
  npm run stack -- --status   how a running one is; exit code 1 when none runs
  npm run stack -- --stop     stops a running one, and what one that was killed has left behind
  npm run stack -- --reset    the same, and forgets all data; the fetched parts stay
  npm run stack -- --secure   the same with TLS and passwords everywhere, and of Kafka no right but what is needed; it has data
                              of its own, in STACK_DIR with -secure behind it, and goes with each of the others
  npm run stack -- --help     this

It needs Java 17 or newer and, the first time, Maven and the network; --secure needs openssl, too. Everything lies in STACK_DIR and listens on loopback.
Exit codes: 0 stopped, 1 (--status) none runs, 2 the configuration is wrong, 3 a part cannot start.

Settings, from the environment:
${describeSettings()}
`;

const FLAG = { type: 'boolean' } as const;
const ORDERS = { status: FLAG, stop: FLAG, reset: FLAG };
const OPTIONS = { ...ORDERS, secure: FLAG };

/** Runs `npm run stack` with the given makeup. Never returns. */
export const runStackProgram = (makeup: Makeup): Promise<never> =>
  runProgram({ name: 'stack', usage: USAGE, options: OPTIONS }, ({ values }) => {
    const { secure: isSecure = false, ...others } = values;
    const orders = Object.keys(others) as (keyof typeof ORDERS)[];
    if (orders.length > 1)
      throw new ConfigurationError(`--${orders[0]} and --${orders[1]} do not go together`, 'give one of them');
    return runStack(makeup, orders[0] ?? 'run', isSecure);
  });

async function runStack(makeup: Makeup, order: keyof typeof ORDERS | 'run', isSecure: boolean): Promise<number> {
  const config = loadConfig();
  const folder = path.resolve(`${config.STACK_DIR}${isSecure ? '-secure' : ''}`);
  if (order === 'status') return status(folder);
  if (order === 'stop' || order === 'reset') return stop(folder, order === 'reset');
  const canvas = new Canvas(process.stdout);
  const left = await takeFolder(folder);
  if (left > 0) canvas.print(`  A stack that was killed had left ${left} processes: they are ended now.`);
  const stopping = new AbortController();
  onSignals(() => {
    canvas.print('  Stopping everything, in order …');
    stopping.abort();
  });
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    stopping.abort();
  };
  try {
    const stack = await startStack({ config, folder, canvas, signal: stopping.signal, fail, makeup, isSecure });
    await aborted(stopping.signal);
    if (failure !== undefined) canvas.print(`\n  ${explain(failure)}\n`);
    await stack.stop();
  } catch (error) {
    // If it is stopped while it starts, its errors are of no interest.
    if (!stopping.signal.aborted) throw error;
  } finally {
    await endLeft(folder);
    leaveFolder(folder);
  }
  canvas.print(
    failure === undefined ? '  Stopped. Nothing is left running; the data stays where it is.' : '  Stopped.',
  );
  return failure === undefined ? 0 : exitCodeOf(failure);
}

const BETWEEN_MS = 1_000;

async function status(folder: string): Promise<number> {
  const state = readState(folder);
  if (ownerOf(folder) === undefined || state === undefined) {
    process.stdout.write(`No stack runs on ${folder}.\n`);
    return 1;
  }
  const { url, startedAt, members } = state;
  const before = await readVitals(url);
  await sleep(BETWEEN_MS);
  const vitals = await readVitals(url);
  const perSecond = throughput(before, vitals);
  const lines = statusScreen({ url, folder, startedAt, members, vitals, perSecond, now: Date.now() });
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

async function stop(folder: string, isReset: boolean): Promise<number> {
  const said = {
    running: `The stack on ${folder} is stopped.`,
    left: `What a killed stack had left on ${folder} is stopped.`,
    nothing: `No stack runs on ${folder}.`,
  }[await stopStack(folder)];
  if (isReset) resetFolder(folder);
  process.stdout.write(`${said}${isReset ? ' Its data is removed; the fetched parts stay.' : ''}\n`);
  return 0;
}
