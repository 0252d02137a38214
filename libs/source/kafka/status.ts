import { systemClock } from '#libs/domain/clock.ts';
import type { Log } from '#libs/platform/log.ts';
import type { SourceStatus } from '../contract.ts';
import type { PartitionState } from './partition-state.ts';

/** Collects what {@link SourceStatus} reports, and logs each new sentence once. */
export class KafkaStatus {
  readonly #log: Log;
  #state: SourceStatus['state'] = 'stopped';
  #detail = 'not started';
  #heardAt: number | null = null;
  #partitionStates: ReadonlyMap<string, PartitionState> | undefined;
  /** What keeps everything waiting, by the part that reported it. */
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

  partitionStates(partitionStates: ReadonlyMap<string, PartitionState> | undefined): void {
    this.#partitionStates = partitionStates;
    this.tell();
  }

  /** To be called when a partition is held or released. */
  tell(): void {
    const { state, detail } = this.read();
    const said = `${state}: ${detail}`;
    if (said === this.#said) return;
    this.#said = said;
    if (state === 'waiting') this.#log.warn({ source: 'kafka' }, detail);
    else this.#log.info({ source: 'kafka' }, detail);
  }

  read(): SourceStatus {
    const partitionStates = this.#partitionStates === undefined ? undefined : [...this.#partitionStates.values()];
    return {
      ...this.#sentence(partitionStates),
      lagBytes: null,
      lagRecords:
        partitionStates === undefined
          ? null
          : partitionStates.reduce((sum, partitionState) => sum + partitionState.lag, 0n),
      heardAt: this.#heardAt,
    };
  }

  #sentence(partitionStates: readonly PartitionState[] | undefined): Pick<SourceStatus, 'state' | 'detail'> {
    if (this.#state === 'stopped') return { state: 'stopped', detail: this.#detail };
    const [trouble] = this.#troubles.values();
    if (trouble !== undefined) return { state: 'waiting', detail: trouble };
    if (this.#state !== 'streaming') return { state: this.#state, detail: this.#detail };
    if (partitionStates === undefined)
      return { state: 'starting', detail: 'the consumer group shares its partitions out' };
    const held = partitionStates.flatMap((partitionState) => partitionState.heldFor ?? []);
    if (held.length > 1)
      return { state: 'waiting', detail: `${held[0]} (and ${held.length - 1} more partitions wait)` };
    if (held[0] !== undefined) return { state: 'waiting', detail: held[0] };
    if (partitionStates.length === 0)
      return { state: 'streaming', detail: 'other instances read all partitions; standing by' };
    return { state: 'streaming', detail: `reading ${partitionStates.length} partitions` };
  }
}
