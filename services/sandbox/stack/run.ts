import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '#libs/domain/errors.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { readIfThere } from '#libs/platform/file-if-there.ts';
import { identifyProcess } from '#libs/platform/process-identity.ts';
import { sleep } from '#libs/platform/retry.ts';
import { startGuard } from './guard.ts';
import { Member, type MemberSpec, type MemberView } from './member.ts';
import type { MemberName } from './programs.ts';
import { type Canvas, changeLine, healthLine, statusScreen } from './screen.ts';
import { StackSecurity } from './secure/security.ts';
import { Addresses } from './specs.ts';
import { type Left, writeState } from './state.ts';
import { readVitals, throughput, type Vitals } from './vitals.ts';

export interface StackOptions {
  readonly config: SettingValues;
  readonly folder: string;
  readonly canvas: Canvas;
  /** Aborts when the stack is to stop. */
  readonly signal: AbortSignal;
  /** Ends the stack because of an error in a part that it needs. */
  fail(error: unknown): void;
  readonly makeup: Makeup;
  /** Whether everything is behind TLS and passwords. */
  readonly isSecure: boolean;
}

/** What a stack is made of. */
export interface Makeup {
  /** Fetches what has to be there before anything starts. */
  prepare(canvas: Canvas): Promise<void>;
  /** In the order in which they are shown; they are stopped in reverse. */
  specs(config: SettingValues, folder: string, addresses: Addresses, security?: StackSecurity): readonly MemberSpec[];
}

export interface Stack {
  /** Stops every member, in reverse order, and resolves when no process is left. */
  stop(): Promise<void>;
}

/** Starts each part when what it needs is up, and shows the state until the stack is stopped. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { config, folder, canvas, signal } = options;
  await options.makeup.prepare(canvas);
  const security = options.isSecure ? await StackSecurity.make(folder, config) : undefined;
  const apiPort = await portOfApi(folder);
  const url = `http://127.0.0.1:${apiPort}`;
  const startedAt = Date.now();
  const addresses = new Addresses({
    apiPort,
    accessRecord: config.API_ACCESS_RECORD ?? path.join(folder, 'access.log'),
  });
  const guard = startGuard();
  const processes = new Map<number, Left>();
  const members: Member[] = [];
  const views = (): MemberView[] => members.map((member) => member.view);
  const note = (): void => {
    const { source, analytics } = addresses.known;
    try {
      writeState(folder, {
        pid: process.pid,
        startedAt,
        url,
        ...(source && { source }),
        ...(analytics && { analytics }),
        members: views(),
        processes: [...processes.values()],
      });
    } catch (error) {
      // Only other commands lose by this; what runs goes on.
      canvas.print(`  What runs cannot be written down in ${folder}: ${messageOf(error)}`);
    }
  };
  const remember = (pid: number, ask: NodeJS.Signals): void => {
    const who = identifyProcess(pid);
    if (who !== undefined) processes.set(pid, { who, ask });
    note();
  };
  // The guard ends the others, so the next start must end it last: it comes first in this list, which is read backwards.
  remember(guard.pid, 'SIGKILL');
  const hooks = {
    onSpawn: (name: MemberName, pid: number): void => {
      const ask = name === 'source' || name === 'analytics' ? 'SIGINT' : 'SIGTERM';
      remember(pid, ask);
      guard.watch(pid, ask);
    },
    onGone: (_: MemberName, pid: number): void => {
      processes.delete(pid);
      guard.forget(pid);
      note();
    },
    onChange: (view: MemberView): void => {
      note();
      const line = canvas.isLive ? undefined : changeLine(view);
      if (line !== undefined) canvas.print(line);
    },
    onFailure: options.fail,
  };
  for (const spec of options.makeup.specs(config, folder, addresses, security)) members.push(new Member(spec, hooks));
  runAll(members);
  const showing = show({ url, folder, startedAt, views, canvas, signal });
  return {
    stop: async () => {
      for (const member of members.toReversed()) await member.stop();
      await security?.close();
      await showing;
      await guard.close();
    },
  };
}

/** Starts each member when everything that it needs is up. */
function runAll(members: readonly Member[]): void {
  for (const member of members) {
    const needed = members.filter(({ spec }) => member.spec.needs.includes(spec.name));
    member.run(Promise.all(needed.map(({ up }) => up)));
  }
}

/** API_PORT if set; otherwise the port of last time, or the usual one, if free. */
async function portOfApi(folder: string): Promise<number> {
  const said = Number(process.env['API_PORT'] || 0);
  if (said > 0) return said;
  const file = path.join(folder, 'api.port');
  const port = await freePort(Number(readIfThere(file) ?? 8001));
  writeFileSync(file, String(port));
  return port;
}

interface Showing extends Pick<StackOptions, 'folder' | 'canvas' | 'signal'> {
  readonly url: string;
  readonly startedAt: number;
  readonly views: () => readonly MemberView[];
}

const SHOW_MS = 1_000;

/** Keeps redrawing the screen; without a terminal prints it once when all is up, then a line whenever the health changes. */
async function show({ url, folder, startedAt, views, canvas, signal }: Showing): Promise<void> {
  let before: Vitals | undefined;
  let told = '';
  while (!signal.aborted) {
    const isApiUp = views().some(({ name, state }) => name === 'api' && state === 'up');
    const vitals = isApiUp ? await readVitals(url) : undefined;
    if (signal.aborted) return;
    const perSecond = vitals === undefined ? null : throughput(before, vitals);
    before = vitals;
    const lines = statusScreen({ url, folder, startedAt, members: views(), vitals, perSecond, now: Date.now() });
    canvas.draw(lines);
    const settled = views().every(({ state }) => ['up', 'done', 'refused'].includes(state));
    const health = healthLine(vitals);
    // A reason whose numbers count up is still the same reason.
    const kind = health.replaceAll(/[\d.,]+/g, '#');
    if (!canvas.isLive && kind !== told && (settled || told !== '')) {
      canvas.print(told === '' ? ['', ...lines, ''].join('\n') : health);
      told = kind;
    }
    await sleep(SHOW_MS, signal);
  }
}
