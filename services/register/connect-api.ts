import type { ServiceAddress } from '#libs/platform/http.ts';
import { pause } from '#libs/platform/retry.ts';
import { ConnectHttp, type ConnectRequest } from '#libs/source/connect/http.ts';
import { readOffset, type StoredOffset } from '#libs/source/connect/offset.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';
import type { ConnectorConfig } from './config.ts';

export interface ConnectFailure {
  /** The innermost cause, one line. */
  readonly reason: string;
  /** The whole stack trace that Connect kept. */
  readonly trace: string;
}

/** A connector as Connect has it at this moment. */
export interface Connector {
  readonly config: ConnectorConfig;
  /** UNASSIGNED, RUNNING, PAUSED, STOPPED, FAILED, RESTARTING. */
  readonly state: string;
  /** The state of its only task; undefined while it has none. */
  readonly task: string | undefined;
  readonly failure: ConnectFailure | undefined;
  readonly offset: StoredOffset | undefined;
}

interface StatusAnswer {
  readonly connector: { readonly state: string; readonly trace?: string };
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

const STOP_MS = 60_000;
const LOOK_MS = 100;

/**
 * The part of Kafka Connect's REST API that one source connector with one task needs.
 * Every call throws what {@link ConnectHttp} throws.
 */
export class ConnectApi {
  readonly #http: ConnectHttp;
  readonly #name: string;
  readonly #signal: AbortSignal;

  constructor(address: ServiceAddress, name: string, signal: AbortSignal) {
    this.#http = new ConnectHttp(address, signal);
    this.#name = name;
    this.#signal = signal;
  }

  /** When Connect last answered, milliseconds since 1970. */
  get heardAt(): number | null {
    return this.#http.heardAt;
  }

  /** undefined: Connect has no connector of this name. */
  async read(): Promise<Connector | undefined> {
    const config = (await this.#call('GET', '/config', { missing: true })) as ConnectorConfig | undefined;
    const status = (await this.#call('GET', '/status', { missing: true })) as StatusAnswer | undefined;
    const offset = await readOffset(this.#http, this.#name);
    if (config === undefined) return undefined;
    // A connector that was just made has a configuration but no status yet.
    if (status === undefined) throw new Waiting(`Kafka Connect has not taken up the connector ${this.#name} yet`);
    const task = status.tasks[0];
    return {
      config,
      state: status.connector.state,
      task: task?.state,
      failure: failureOf(status.connector.state === 'FAILED' ? status.connector.trace : task?.trace),
      offset,
    };
  }

  /** Creates the connector in the state STOPPED. */
  async create(config: ConnectorConfig): Promise<void> {
    const body = { name: this.#name, config, initial_state: 'STOPPED' };
    await this.#http.request('POST', '/connectors', { body: JSON.stringify(body) });
  }

  /** Replaces its configuration; a stopped connector stays stopped. */
  async configure(config: ConnectorConfig): Promise<void> {
    await this.#call('PUT', '/config', { body: JSON.stringify(config) });
  }

  /** Stops it. Resolves when its task has ended, and with it the connection to the slot. */
  async stop(): Promise<void> {
    await this.#call('PUT', '/stop');
    for (const until = Date.now() + STOP_MS; Date.now() < until; await pause(LOOK_MS, this.#signal)) {
      const status = (await this.#call('GET', '/status')) as StatusAnswer;
      if (status.connector.state === 'STOPPED' && status.tasks.length === 0) return;
    }
    throw new Waiting(`the connector ${this.#name} has not stopped within ${STOP_MS / 1000} s`);
  }

  async resume(): Promise<void> {
    await this.#call('PUT', '/resume');
  }

  /** Restarts only what has failed. */
  async restart(): Promise<void> {
    await this.#call('POST', '/restart?includeTasks=true&onlyFailed=true');
  }

  /** Deletes its offset; the connector has to be stopped. */
  async resetOffset(): Promise<void> {
    await this.#call('DELETE', '/offsets');
  }

  /** Sets the place in the log from which it goes on; the connector has to be stopped. */
  async setOffset(lsn: bigint): Promise<void> {
    // Written by hand, since JSON.stringify takes no bigint.
    const body = `{"offsets":[{"partition":{"server":${JSON.stringify(this.#name)}},"offset":{"lsn":${lsn}}}]}`;
    await this.#call('PATCH', '/offsets', { body });
  }

  async remove(): Promise<void> {
    await this.#call('DELETE', '', { missing: true });
  }

  #call(method: string, path: string, request?: ConnectRequest): Promise<unknown> {
    return this.#http.request(method, `/connectors/${encodeURIComponent(this.#name)}${path}`, request);
  }
}

function failureOf(trace: string | undefined): ConnectFailure | undefined {
  if (trace === undefined) return undefined;
  const lines = trace.split('\n').map((line) => line.trim());
  const cause = lines.findLast((line) => line.startsWith('Caused by: ')) ?? lines[0] ?? '';
  return { reason: cause.replace(/^Caused by: /, '').replace(/^(?:[a-z]\w*\.)+(?=[A-Z])/, ''), trace };
}
