import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Log } from '#libs/platform/log.ts';
import { startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { poolTroubles } from '#libs/platform/postgres/pool-waiting.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { type Counted, forgetInstances, leaveInstance, reportInstance } from '#libs/store/progress/instances.ts';

export interface ReportOptions {
  readonly db: Database;
  readonly roles: readonly string[];
  /** What its source reads, by a name shared by processes of which only one needs to read. */
  readonly intake: string;
  readonly log: Log;
  /** What does not work, except what the source itself reports. */
  readonly troubles: () => readonly string[];
  readonly counts: () => Counted;
  readonly source: () => SourceStatus | null;
}

/** A process that has missed several reports counts as gone. Milliseconds. */
const REPORT_EVERY_MS = 2_000;

/** Stores the state of this process every few seconds, for the API and the operator, who ask another process. */
export function startReport(options: ReportOptions): { stop(): Promise<void> } {
  const { db, roles, intake, log, troubles, counts, source } = options;
  const self = { id: randomUUID(), roles, intake, host: hostname(), pid: process.pid, startedAt: Date.now() };
  const loop = startLoop({
    name: 'the report',
    wake: new WorkSignal(),
    log,
    pollMs: REPORT_EVERY_MS,
    step: async () => {
      await reportInstance(db, {
        ...self,
        troubles: [...troubles(), ...poolTroubles(db)],
        ...counts(),
        source: asJson(source()),
      });
      await forgetInstances(db);
      return 'idle';
    },
  });
  return {
    stop: async () => {
      await loop.stop();
      await leaveInstance(db, self.id);
    },
  };
}

const asJson = (status: SourceStatus | null): string | null =>
  status === null
    ? null
    : JSON.stringify(status, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
