import { forTerminal } from '#libs/domain/text.ts';
import type { MemberState, MemberView } from './member.ts';
import { residentMb, type Vitals } from './vitals.ts';

export interface StackScreenFacts {
  readonly url: string;
  readonly folder: string;
  readonly startedAt: number;
  readonly members: readonly MemberView[];
  readonly vitals: Vitals | undefined;
  /** Records a second. */
  readonly perSecond: number | null;
  readonly now: number;
}

const WORDS: Readonly<Record<MemberState, string>> = {
  waiting: 'waits',
  starting: 'starting',
  up: 'up',
  done: 'done',
  down: 'DOWN',
  refused: 'REFUSED',
  stopped: 'stopped',
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The screen: what runs, its state, and where to look. */
export function statusScreen(facts: StackScreenFacts): string[] {
  const { url, folder, startedAt, members, now } = facts;
  return [
    `  PrepaData, every part a process of its own · up for ${duration(now - startedAt)}`,
    '',
    `  ${'part'.padEnd(12)}${'state'.padEnd(10)}${'took'.padStart(8)}  ${'again'.padStart(5)}  ${'memory'.padStart(7)}   `,
    ...members.map((member) => memberLine(member, now)),
    '',
    ...vitalLines(facts),
    '',
    `  API     ${url}`,
    `  Logs    ${folder}`,
    '  Stop    Ctrl-C, or npm run stack -- --stop',
  ];
}

function memberLine({ name, state, pid, tookMs, since, restarts, note }: MemberView, now: number): string {
  const took = state === 'starting' ? `${seconds(now - since)}…` : tookMs === null ? '' : seconds(tookMs);
  const memory = pid === 0 ? null : residentMb(pid);
  return [
    `  ${name.padEnd(12)}${WORDS[state].padEnd(10)}${took.padStart(8)}`,
    restarts === 0 ? '     ' : `${restarts}×`.padStart(5),
    (memory === null ? '' : `${memory} MB`).padStart(7),
    note,
  ]
    .join('  ')
    .trimEnd();
}

export function healthLine(vitals: Vitals | undefined): string {
  if (vitals === undefined || vitals.health === 'unknown') return '  Health  the API does not answer';
  if (vitals.health === 'guarded')
    return '  Health  the API asks for a token (API_TOKENS); with API_OPEN_PROBES=on it is seen here without';
  return `  Health  ${[vitals.health, vitals.reasons.join('; ')].filter((text) => text !== '').join(': ')}`;
}

function vitalLines({ vitals, perSecond }: StackScreenFacts): string[] {
  if (vitals === undefined || vitals.health === 'unknown' || vitals.health === 'guarded') return [healthLine(vitals)];
  const { lagMs, marks, rejected, applied } = vitals;
  const lags = Object.entries(lagMs).map(([family, ms]) => `${family} ${ms === null ? 'unknown' : `${ms} ms`}`);
  const count = (number: number | bigint): string => number.toLocaleString('en');
  return [
    healthLine(vitals),
    `  Lag     ${lags.join(' · ') || 'unknown'} · ${count(marks)} marks wait · ${count(rejected)} rows rejected`,
    `  Rate    ${perSecond === null ? '–' : `${count(Math.round(perSecond))} records/s`}${applied === null ? '' : ` · ${count(applied)} applied`}`,
  ];
}

function duration(ms: number): string {
  const all = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min ${all % 60} s` : `${all} s`;
}

/** A line about a change of one member; undefined if it is not worth one. */
export function changeLine({ name, state, tookMs, note }: MemberView): string | undefined {
  const start = `  ${name.padEnd(12)}${WORDS[state]}`;
  const said = note === '' ? '' : `   ${note}`;
  if (state === 'up' || state === 'done') return `${start.padEnd(22)}${seconds(tookMs ?? 0).padStart(8)}${said}`;
  return state === 'down' || state === 'refused' ? `${start}${said}` : undefined;
}

/** Lines that are redrawn on a terminal; elsewhere nothing is drawn, and `print` writes plain lines. */
export class Canvas {
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  get isLive(): boolean {
    return this.#out.isTTY === true;
  }

  /** Replaces what was drawn last. */
  draw(lines: readonly string[]): void {
    if (!this.isLive) return;
    const [width, height] = [(this.#out.columns || 100) - 1, (this.#out.rows || 50) - 1];
    const shown = lines
      .slice(0, height)
      .map(forTerminal)
      .map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
    this.#out.write(`${this.#back()}${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.#drawn = shown.length;
  }

  /** Prints text that stays. */
  print(text: string): void {
    this.#out.write(this.#drawn > 0 ? `${this.#back()}\u001b[J${text}\n` : `${text}\n`);
    this.#drawn = 0;
  }

  #back(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\r`;
  }
}
