import type { Clock } from '#libs/domain/clock.ts';
import type { SlotStatus, SourceStatus } from '../contract.ts';

/** Collects what {@link SourceStatus} reports; calls `onChange` when state, sentence or snapshot count changes. */
export class StatusBoard {
  readonly #clock: Clock;
  readonly #onChange: (status: SourceStatus) => void;
  #state: SourceStatus['state'] = 'stopped';
  #detail = 'not started';
  #snapshot: SourceStatus['snapshot'];
  #slot: SlotStatus | undefined;
  #heardAt: number | null = null;
  #walEnd: bigint | null = null;
  #applied: bigint | null = null;

  constructor(clock: Clock, onChange: (status: SourceStatus) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  say(state: SourceStatus['state'], detail: string, snapshot?: { rows: number; estimatedRows: number }): void {
    const unchanged = this.#state === state && this.#detail === detail && snapshot === this.#snapshot;
    this.#state = state;
    this.#detail = detail;
    this.#snapshot = snapshot;
    if (!unchanged) this.#onChange(this.read());
  }

  /** The server was heard from; `walEnd` is the end of its log, if known. */
  heard(walEnd?: bigint): void {
    this.#heardAt = this.#clock.now();
    if (walEnd !== undefined && (this.#walEnd === null || walEnd > this.#walEnd)) this.#walEnd = walEnd;
  }

  applied(lsn: bigint): void {
    this.#applied = lsn;
  }

  slot(slot: SlotStatus | undefined): void {
    this.#slot = slot;
  }

  /** To be called when an epoch begins: positions of another epoch or server cannot be compared. */
  forget(): void {
    this.#walEnd = null;
    this.#applied = null;
    this.#slot = undefined;
  }

  read(): SourceStatus {
    const known = this.#walEnd !== null && this.#applied !== null;
    const lag = known ? (this.#walEnd ?? 0n) - (this.#applied ?? 0n) : null;
    return {
      state: this.#state,
      detail: this.#detail,
      ...(this.#snapshot === undefined ? {} : { snapshot: this.#snapshot }),
      ...(this.#slot === undefined ? {} : { slot: this.#slot }),
      lagBytes: lag !== null && lag < 0n ? 0n : lag,
      heardAt: this.#heardAt,
    };
  }
}
