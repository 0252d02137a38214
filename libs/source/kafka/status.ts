import { systemClock } from '#libs/domain/clock.ts';
import type { Log } from '#libs/platform/log.ts';
import type { SourceStatus } from '../contract.ts';
import type { PartitionLane } from './lanes.ts';

/** Gathers what {@link SourceStatus} says, and logs each new sentence once. */
export class KafkaStatus {
  readonly #log: Log;
  #state: SourceStatus['state'] = 'stopped';
  #detail = 'not started';
  #heardAt: number | null = null;
  #lanes: ReadonlyMap<string, PartitionLane> | undefined;
  /** What keeps everything waiting, by who says so. */
  readonly #troubles = new Map<string, string>();
  #said = '';

  constructor(log: Log) {
    this.#log = log;
  }

  say(state: SourceStatus['state'], detail: string): void {
    this.#state = state;
    this.#detail = detail;
    this.tell();
  }

  heard(): void {
    this.#heardAt = systemClock.now();
  }

  trouble(what: string, sentence: string | undefined): void {
    if (sentence === undefined) this.#troubles.delete(what);
    else this.#troubles.set(what, sentence);
    this.tell();
  }

  lanes(lanes: ReadonlyMap<string, PartitionLane> | undefined): void {
    this.#lanes = lanes;
    this.tell();
  }

  /** To be called when a lane is held, or no longer. */
  tell(): void {
    const { state, detail } = this.read();
    const said = `${state}: ${detail}`;
    if (said === this.#said) return;
    this.#said = said;
    if (state === 'waiting') this.#log.warn({ source: 'kafka' }, detail);
    else this.#log.info({ source: 'kafka' }, detail);
  }

  read(): SourceStatus {
    const lanes = this.#lanes === undefined ? undefined : [...this.#lanes.values()];
    return {
      ...this.#sentence(lanes),
      lagBytes: null,
      lagRecords: lanes === undefined ? null : lanes.reduce((sum, lane) => sum + lane.lag, 0n),
      heardAt: this.#heardAt,
    };
  }

  #sentence(lanes: readonly PartitionLane[] | undefined): Pick<SourceStatus, 'state' | 'detail'> {
    if (this.#state === 'stopped') return { state: 'stopped', detail: this.#detail };
    const [trouble] = this.#troubles.values();
    if (trouble !== undefined) return { state: 'waiting', detail: trouble };
    if (this.#state !== 'streaming') return { state: this.#state, detail: this.#detail };
    if (lanes === undefined) return { state: 'starting', detail: 'the consumer group shares its partitions out' };
    const held = lanes.flatMap((lane) => lane.held ?? []);
    if (held.length > 1)
      return { state: 'waiting', detail: `${held[0]} (and ${held.length - 1} more partitions wait)` };
    if (held[0] !== undefined) return { state: 'waiting', detail: held[0] };
    if (lanes.length === 0) return { state: 'streaming', detail: 'other instances read all partitions; standing by' };
    return { state: 'streaming', detail: `reading ${lanes.length} partitions` };
  }
}
