import { isInteger, parse } from 'lossless-json';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { type Answer, ask, NoAnswer, type ServiceAddress, serviceAddress, shown } from '#libs/platform/http.ts';
import { pause } from '#libs/platform/retry.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';

/** Connect understood the request and refused it: do not retry it unchanged. */
export class ConnectRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConnectRefusal';
  }
}

export interface ConnectRequest {
  readonly body?: string;
  /** Whether 404 counts as an answer: undefined. */
  readonly missing?: boolean;
}

/** Timeouts in milliseconds: to read, and to change something, when Connect may ask the source and its other workers. */
const READ_MS = 10_000;
const CHANGE_MS = 60_000;

/** The status while the workers rebalance; for how long and how often we ask again, milliseconds. */
const CONFLICT = 409;
const CONFLICT_MS = 5_000;
const LOOK_MS = 100;

/** A worker's message with status 500 that waiting does not fix: a plugin is missing. */
const MISSING_PLUGIN = /Failed to find any class/;

/** Offsets contain log sequence numbers, which may exceed what a number holds exactly. */
const readJson = (text: string): unknown =>
  text === ''
    ? undefined
    : parse(text, undefined, { parseNumber: (number) => (isInteger(number) ? BigInt(number) : Number(number)) });

/** Where Kafka Connect is; undefined if CONNECT_URL is not set. */
export function connectAddress(config: SettingValues): ServiceAddress | undefined {
  const { CONNECT_URL: url, CONNECT_BASIC_AUTH_USER_INFO: login, CONNECT_SSL_CA_LOCATION: ca } = config;
  return url === undefined ? undefined : serviceAddress(url.replace(/\/+$/, ''), login, ca);
}

/**
 * Kafka Connect through its REST API.
 * Every call throws {@link Waiting} when Connect is away, slow or busy, {@link ConnectRefusal} when it refuses, and a
 * ConfigurationError when it wants a login, or when something else answers before Connect ever has.
 */
export class ConnectHttp {
  readonly #address: ServiceAddress;
  readonly #signal: AbortSignal;
  readonly #readMs: number;
  readonly #conflictMs: number;
  #isKnown = false;
  /** When Connect last answered, milliseconds since 1970. */
  heardAt: number | null = null;

  /**
   * @param address without a slash at the end of its URL
   * @param readMs how long a read may take, milliseconds
   * @param conflictMs how long to keep asking while its workers rebalance, milliseconds
   */
  constructor(
    address: ServiceAddress,
    signal: AbortSignal,
    readMs: number = READ_MS,
    conflictMs: number = CONFLICT_MS,
  ) {
    this.#address = address;
    this.#signal = signal;
    this.#readMs = readMs;
    this.#conflictMs = conflictMs;
  }

  async request(method: string, path: string, { body, missing = false }: ConnectRequest = {}): Promise<unknown> {
    await this.#recognise();
    const { status, text } = await this.#askUntilShared(method, path, body);
    if (status < 300) return readJson(text);
    if (isStarting(status, text)) throw new Waiting(`${this.#name} is starting: it knows none of its addresses yet`);
    if (status === 404 && missing) return undefined;
    const said = messageIn(text) ?? `HTTP ${status}`;
    // A refusal concerns the request itself; other errors pass.
    const isRefusal = (status !== CONFLICT && status < 500) || MISSING_PLUGIN.test(said);
    if (isRefusal) throw new ConnectRefusal(said);
    throw new Waiting(`${this.#name} is busy: ${said}`);
  }

  /** Every change of a connector makes the workers rebalance, which takes them a moment. */
  async #askUntilShared(method: string, path: string, body: string | undefined): Promise<Answer> {
    for (const until = Date.now() + this.#conflictMs; ; await pause(LOOK_MS, this.#signal)) {
      const answer = await this.#ask(method, path, body);
      if (answer.status !== CONFLICT || Date.now() > until) return answer;
    }
  }

  get #name(): string {
    return `Kafka Connect (${shown(this.#address.url)})`;
  }

  /** Without this check, any other server there would be taken for a Connect without connectors. */
  async #recognise(): Promise<void> {
    if (this.#isKnown) return;
    const { status, text } = await this.#ask('GET', '/', undefined);
    if (isStarting(status, text))
      throw new Waiting(
        `${this.#name} is starting, or CONNECT_URL is not where Connect is: it knows no address (HTTP 404)`,
      );
    const root = readJson(text);
    const isConnect = typeof root === 'object' && root !== null && 'version' in root && 'kafka_cluster_id' in root;
    if (status >= 500) throw new Waiting(`${this.#name} is busy: ${messageIn(text) ?? `HTTP ${status}`}`);
    if (!isConnect) throw this.#somebodyElse(`answers HTTP ${status} with something else than its version`);
    this.#isKnown = true;
  }

  async #ask(method: string, path: string, body: string | undefined): Promise<Answer> {
    const answer = await this.#fetch(method, path, body);
    const { status, problem } = answer;
    if (status === 401 || status === 403) throw this.#wantsLogin(status);
    if (problem !== undefined && status >= 500) throw new Waiting(`${this.#name} ${problem}`);
    if (problem !== undefined) throw this.#somebodyElse(problem);
    this.heardAt = Date.now();
    return answer;
  }

  async #fetch(method: string, path: string, body: string | undefined): Promise<Answer> {
    try {
      return await ask({
        ...this.#address,
        url: `${this.#address.url}${path}`,
        method,
        contentType: 'application/json',
        timeoutMs: method === 'GET' ? this.#readMs : CHANGE_MS,
        signal: this.#signal,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      if (error instanceof NoAnswer) throw new Waiting(`${this.#name} ${error.message}`, { cause: error });
      throw error;
    }
  }

  #wantsLogin(status: number): ConfigurationError {
    return new ConfigurationError(
      `${this.#name} wants a login, or another one (HTTP ${status})`,
      'set CONNECT_BASIC_AUTH_USER_INFO=user:password',
    );
  }

  /** Once Connect has answered, this is a proxy speaking while Connect is away; before that, the address is wrong. */
  #somebodyElse(problem: string): Error {
    if (this.#isKnown) return new Waiting(`${this.#name} ${problem}`);
    return new ConfigurationError(
      `there is no Kafka Connect at CONNECT_URL: ${shown(this.#address.url)} ${problem}`,
      'set CONNECT_URL to the address under which Connect serves its REST API, e.g. http://connect:8083, without /connectors: curl of it answers with version and kafka_cluster_id',
    );
  }
}

/** For some seconds at start, Connect's web server answers before Connect does; Connect's own errors have a code. */
const isStarting = (status: number, text: string): boolean =>
  status === 404 && /^\{/.test(text) && !text.includes('"error_code"');

function messageIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const isAnswer = typeof answer === 'object' && answer !== null && 'message' in answer;
    return isAnswer ? String(answer.message) : undefined;
  } catch {
    return undefined;
  }
}
