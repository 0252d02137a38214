import type { Clock } from '#libs/domain/clock.ts';
import { perFamily } from '#libs/domain/family.ts';
import type { Log } from '#libs/platform/log.ts';
import { startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { isDatabaseFault, type Queryable } from '#libs/platform/postgres/database.ts';
import { readConnectors } from './connectors.ts';
import { DatabaseDeadlineError } from './errors.ts';
import { readLags } from './freshness.ts';
import { readInstances } from './instances.ts';
import { LastHour, type Measurement } from './last-hour.ts';
import { slotsOf } from './slots.ts';

const EVERY_MS = 10_000;

export interface MeasureOptions {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly log: Log;
}

/** Measures at intervals what cannot be read from the database afterwards. */
export function startMeasuring({ db, clock, log }: MeasureOptions): { lastHour: LastHour; stop(): Promise<void> } {
  const lastHour = new LastHour();
  const loop = startLoop({
    name: 'the measuring of the last hour',
    wake: new WorkSignal(),
    log,
    pollMs: EVERY_MS,
    step: async () => {
      lastHour.add(await measure(db, clock.now()));
      return 'idle';
    },
  });
  return { lastHour, stop: () => loop.stop() };
}

/** An unreachable database is no error here: its values are unknown. */
export async function measure(db: Queryable, at: number): Promise<Measurement> {
  try {
    const lag = await readLags(db, at);
    const instances = await readInstances(db);
    const slots = slotsOf(instances, await readConnectors(db));
    const isNoneKnown = slots.length === 0;
    return {
      at,
      lag,
      counts: new Map(instances.map((one) => [`${one.host} ${one.pid} ${one.started_at} ${one.roles.join()}`, one])),
      retained: isNoneKnown ? null : Math.max(...slots.map(({ retained_bytes }) => retained_bytes)),
    };
  } catch (error) {
    if (!isDatabaseFault(error) && !(error instanceof DatabaseDeadlineError)) throw error;
    return { at, lag: perFamily(() => null), counts: null, retained: null };
  }
}
