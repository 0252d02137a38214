/** Milliseconds, all of them. */
export interface RunTiming {
  /** A process that is not heard of for so long has lost its run. */
  readonly leaseMs: number;
  /** So often the process is heard of, tells how far it is, and hears of a cancellation. */
  readonly heartbeatMs: number;
  /** How long to wait before the second attempt, the third, … */
  readonly retryMs: readonly number[];
  /** What a run may take to end once it is told to. */
  readonly graceMs: number;
  /** A run that does not move for so long hangs. */
  readonly silenceMs: number;
}

export const RUN_TIMING: RunTiming = {
  leaseMs: 30_000,
  heartbeatMs: 1_000,
  retryMs: [60_000, 300_000],
  graceMs: 5_000,
  silenceMs: 1_800_000,
};
