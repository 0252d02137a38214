/** A package without a release for a long time, and why it stays nevertheless. */
export interface Reason {
  readonly name: string;
  /** Its newest release when the reason was written, and roughly when that came out. */
  readonly last: string;
  readonly why: string;
}

/** services/SECURITY.md shows these; `npm run dormant` says which are missing, and which are no longer needed. */
export const REASONS: readonly Reason[] = [
  {
    name: 'kafkajs',
    last: '2.2.4, February 2023',
    why: 'the only client without native code; spoken to in `libs/platform/kafka` alone, so that another one is a change of that folder; its faults that we know of are worked around there, with tests on a real cluster',
  },
  {
    name: 'snappyjs',
    last: '0.7.0, 2022',
    why: 'reads one old format that does not change; without native code',
  },
  { name: 'fzstd', last: '0.1.1, 2024', why: 'reads one format that does not change; without native code' },
  {
    name: 'prom-client',
    last: '15.1.3, 2024',
    why: 'writes one format that does not change; used in `libs/platform/metrics.ts` alone, so that another one is a change of that file',
  },
  {
    name: 'rxjs',
    last: '7.8.2, February 2025',
    why: 'a source is a stream of batches by its contract; little of it is used, and of version 8 there are only alphas',
  },
];
