import { messageOf, PrepaError } from '#libs/domain/errors.ts';
import { type Database, isDatabaseFault, placeOf } from '#libs/platform/postgres/database.ts';
import { Backoff, sleep } from '#libs/platform/retry.ts';
import { ConnectRefusal } from '#libs/source/connect/http.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { sortFailure, Waiting } from '#libs/source/postgres/faults.ts';
import { noteUnlogged, type Origin } from '#libs/source/postgres/signature.ts';
import { putConnectorReport } from '#libs/store/progress/connector.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { ConnectApi } from './connect-api.ts';
import { inspectOnce } from './inspect.ts';
import { Restarts } from './restarts.ts';
import { acquireConnectorLock, type ConnectorLock, inspectSource } from './session.ts';
import type { RegisterSettings } from './settings.ts';
import type { Situation } from './situation.ts';
import { SlotReader } from './slot-reader.ts';

export interface SupervisorOptions {
  readonly settings: RegisterSettings;
  readonly db: Database;
  readonly signal: AbortSignal;
  /** One line for a person. */
  readonly tell: (line: string) => void;
  /** false: resolves as soon as the connector streams, and gives up when its task fails for the third time. */
  readonly forEver: boolean;
  /** Why a new epoch is wanted even if the present one could be carried on. */
  readonly newEpoch?: string;
  /** Called once, when the connector runs its task. */
  readonly onReady?: (sentence: string) => void;
  /** Milliseconds between two looks at Connect. Default 1000. */
  readonly every?: number;
}

/** Milliseconds between two looks at the tables of the source. */
const INSPECT_EVERY = 10_000;
/** Milliseconds between two reports of a state that has not changed. */
const REPORT_EVERY = 5_000;
/** Without `forEver`: how many milliseconds to wait for another process that looks after the connector. */
const TIMEOUT = 5_000;
const FAILURES_BORNE = 3;

/**
 * Brings the connector into its intended state, and keeps it there. When Connect, the source or the analytics database is
 * away, it reports that and waits.
 * @throws ConfigurationError, UnrecoverableError, PrepaError that say what is wrong and what to do
 */
export async function superviseConnector(options: SupervisorOptions): Promise<void> {
  const supervisor = new ConnectorSupervisor(options);
  const { settings, signal } = options;
  const backoff = new Backoff();
  while (!signal.aborted) {
    const looks = supervisor.looks;
    try {
      await supervisor.run();
      return;
    } catch (error) {
      if (signal.aborted) return;
      const waiting = asWaiting(error, settings, supervisor.looks > 0);
      if (supervisor.looks > looks) backoff.reset();
      await supervisor.reportWaiting(messageOf(waiting));
      await backoff.wait(signal);
    }
  }
}

/**
 * @param wasThere whether the source was reached before
 * @throws errors that waiting does not fix
 */
function asWaiting(error: unknown, settings: RegisterSettings, wasThere: boolean): Waiting {
  if (error instanceof StoreAway) return new Waiting(error.message, { cause: error });
  if (error instanceof ConnectRefusal) return new Waiting(`Kafka Connect says: ${error.message}`, { cause: error });
  const sorted = sortFailure(error, settings.source, settings.names, wasThere);
  if (sorted instanceof Waiting) return sorted;
  throw sorted;
}

/** The analytics database does not answer. A class of its own, since errors of the source look the same. */
class StoreAway extends Error {
  constructor(settings: RegisterSettings, cause: unknown) {
    super(`the analytics database ${placeOf(settings.analytics)} does not answer: ${messageOf(cause)}`, { cause });
    this.name = 'StoreAway';
  }
}

class ConnectorSupervisor {
  readonly #options: SupervisorOptions;
  readonly #connect: ConnectApi;
  readonly #memory = { restarts: new Restarts(), slotReader: new SlotReader() };
  readonly #db: Database;
  #force: string | undefined;
  #last: Situation | undefined;
  #reportedAt = 0;
  #isReady = false;
  /** How many looks were completed. */
  looks = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#connect = new ConnectApi(options.settings.connect, options.settings.name, options.signal);
    this.#force = options.newEpoch;
    this.#db = telling(options.db, options.settings);
  }

  /** Works on one connection to the source. Resolves when nothing more is to be done. */
  async run(): Promise<void> {
    const { settings, signal, forEver } = this.#options;
    const session = await acquireConnectorLock(settings, signal, forEver ? undefined : TIMEOUT, (sentence) =>
      this.#say(sentence),
    );
    try {
      await this.#lookOn(session);
    } catch (error) {
      // The first query after a lost connection says only that it cannot be used; `check` throws why it was lost.
      session.check();
      throw error;
    } finally {
      session.close();
    }
  }

  async #lookOn(session: ConnectorLock): Promise<void> {
    const { settings, signal, forEver, tell } = this.#options;
    const context = {
      settings,
      connect: this.#connect,
      db: this.#db,
      control: session.control,
      signal,
      tell,
      say: (sentence: string) => this.#say(sentence),
    };
    let origin: Origin | undefined;
    for (let inspectedAt = 0; !signal.aborted; ) {
      if (origin === undefined || Date.now() - inspectedAt > INSPECT_EVERY) {
        origin = await inspectSource(session, settings).catch(async (error: unknown) => {
          await noteUnlogged(error, openProgressStore(this.#db), DEBEZIUM_STREAM);
          throw error;
        });
        inspectedAt = Date.now();
      }
      const force = this.#force;
      const situation = await inspectOnce(context, origin, this.#memory, force);
      this.looks += 1;
      // If something was away (a situation is returned), no epoch was begun, and `force` is still due.
      if (situation === undefined) this.#force = undefined;
      if (situation === undefined) continue;
      await this.report(situation);
      if (!forEver && situation.state === 'streaming') return;
      if (!forEver && situation.state === 'failed' && this.#memory.restarts.count >= FAILURES_BORNE)
        throw failed(situation);
      await sleep(this.#options.every ?? 1_000, signal);
    }
  }

  /** Reports what is waited for, with the epoch and slot known last. */
  reportWaiting(detail: string): Promise<void> {
    return this.report({ state: 'waiting', detail, epoch: this.#last?.epoch ?? null, slot: this.#last?.slot });
  }

  /** Tells a person about something that may take long; nothing is stored. */
  #say(detail: string): void {
    if (this.#last?.detail === detail) return;
    this.#last = { state: 'waiting', detail, epoch: this.#last?.epoch ?? null, slot: this.#last?.slot };
    this.#options.tell(detail);
  }

  /** Tells a person what has changed, and the analytics database how things stand. */
  async report(situation: Situation): Promise<void> {
    const { settings, tell, onReady } = this.#options;
    const isNew = this.#last?.state !== situation.state || this.#last.detail !== situation.detail;
    if (isNew && situation.state !== 'failed') tell(`${situation.state}: ${situation.detail}`);
    this.#last = situation;
    if (!this.#isReady && (situation.state === 'streaming' || situation.state === 'snapshot')) {
      this.#isReady = true;
      onReady?.(`the connector ${settings.name} runs, epoch ${situation.epoch}: ${situation.detail}`);
    }
    if (!isNew && Date.now() - this.#reportedAt < REPORT_EVERY) return;
    this.#reportedAt = Date.now();
    const { heardAt } = this.#connect;
    await putConnectorReport(this.#options.db, {
      name: settings.name,
      epoch: situation.epoch,
      state: situation.state,
      detail: situation.detail,
      slot: situation.slot?.name ?? null,
      retained_bytes: situation.slot?.retainedBytes ?? null,
      safe_bytes: situation.slot?.safeBytes ?? null,
      restarts: this.#memory.restarts.count,
      heard_at: heardAt === null ? null : new Date(heardAt),
    }).catch((error: unknown) => {
      // The connector is looked after even if this cannot be recorded.
      if (!isDatabaseFault(error)) throw error;
      tell(messageOf(new StoreAway(settings, error)));
    });
  }
}

const failed = (situation: Situation): PrepaError =>
  new PrepaError(
    'connector_failed',
    situation.detail,
    'read the log of Kafka Connect around this time; when the cause is gone, run this again: it goes on from where it is',
  );

/** The analytics database with its faults turned into {@link StoreAway}. */
function telling(db: Database, settings: RegisterSettings): Database {
  const guard = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw isDatabaseFault(error) ? new StoreAway(settings, error) : error;
    });
  return {
    query: (statement, values) => guard(db.query(statement, values)),
    transaction: (work) => guard(db.transaction(work)),
    loading: (work) => guard(db.loading(work)),
    session: () => guard(db.session()),
    get waitingMs() {
      return db.waitingMs;
    },
    close: () => db.close(),
  };
}
