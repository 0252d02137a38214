import { isSchemaRefused, takeEverySchema } from './schema-rules.ts';
import type { RegisterSettings } from './settings.ts';
import type { ConnectorContext } from './steps.ts';

const FIRST_WAIT = 1_000;
const LAST_WAIT = 60_000;
/** Milliseconds that a task has to run before the next wait is the first one again. */
const STEADY = 120_000;

/** Starts a failed task again, each time after a longer wait. */
export class Restarts {
  #wait = FIRST_WAIT;
  #next = 0;
  #runningSince: number | undefined;
  #count = 0;

  /** Restarts since this process began. */
  get count(): number {
    return this.#count;
  }

  onRunning(): void {
    this.#runningSince ??= Date.now();
    if (Date.now() - this.#runningSince > STEADY) this.#wait = FIRST_WAIT;
  }

  /** @returns a sentence: what has failed, what helps, and when it is tried again */
  async onFailure({ connect, settings, tell }: ConnectorContext, reason: string): Promise<string> {
    const failed = `the task of the connector ${settings.name} has failed: ${reason}${remedyOf(reason, settings)}`;
    const now = Date.now();
    if (this.#runningSince !== undefined || this.#next === 0) {
      this.#runningSince = undefined;
      this.#next = now + this.#wait;
      this.#wait = Math.min(LAST_WAIT, 2 * this.#wait);
      tell(failed);
    }
    if (now < this.#next) return `${failed}; it is started again in ${Math.ceil((this.#next - now) / 1000)} s`;
    this.#count += 1;
    this.#next = 0;
    if (isSchemaRefused(reason)) tell(await takeEverySchema(settings));
    tell(`starting the failed task again (${this.#count})`);
    await connect.restart();
    return `${failed}; it is being started again`;
  }
}

/** The remedy for a failure that a restart does not cure; empty if none is known. */
function remedyOf(reason: string, { name, names, cluster, overrides }: RegisterSettings): string {
  if (!reason.startsWith('RecordTooLargeException')) return '';
  const producer = overrides
    ? `above 8388608 bytes also CONNECT_OVERRIDES=off here, and in the settings of the Connect worker producer.linger.ms=0 and producer.max.request.size=<bytes>`
    : `and in the settings of the Connect worker producer.max.request.size=<bytes>`;
  return `; a row is larger than Kafka takes: for each topic ${name}.${names.schema}.… have an administrator run: kafka-configs.sh --bootstrap-server ${cluster.brokers.join(',')} --alter --entity-type topics --entity-name <topic> --add-config max.message.bytes=<bytes>; ${producer}`;
}
