/** All in milliseconds. */
export interface RunTiming {
  /** A process that has not renewed its lease for this long has lost its run. */
  readonly leaseMs: number;
  /** How often the process renews its lease, stores its progress, and checks for a cancellation. */
  readonly heartbeatMs: number;
  /** How long to wait before the second attempt, the third, … */
  readonly retryMs: readonly number[];
  /** How long a run may take to end once it is told to. */
  readonly graceMs: number;
  /** A run without progress for this long counts as hanging. */
  readonly silenceMs: number;
}

export const RUN_TIMING: RunTiming = {
  leaseMs: 30_000,
  heartbeatMs: 1_000,
  retryMs: [60_000, 300_000],
  graceMs: 5_000,
  silenceMs: 1_800_000,
};
