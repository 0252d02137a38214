import { type Answer, ask, NoAnswer, type Question, shown } from '../http.ts';
import { RegistryFault } from './contract.ts';

export interface RegistryClientOptions {
  /** The Confluent-compatible API with its path, e.g. `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly url: string;
  /** `user:password`; absent: none, or those in the URL. */
  readonly login?: string;
  /** PEM certificates to trust instead of those that Node knows. */
  readonly ca?: string;
  /** How long one question may take, milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
}

/** An answer of a registry that has understood the request, whether or not it complies. */
export interface RegistryAnswer {
  /** Present if it does not comply. */
  readonly refusal?: { readonly status: number; readonly code: number; readonly said: string };
  readonly json?: unknown;
}

const TIMEOUT_MS = 5_000;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** The Confluent API of a registry, one request at a time; retrying is up to the caller. */
export class RegistryClient {
  /** Its address in a form that may be shown. */
  readonly name: string;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #secured: Pick<Question, 'login' | 'ca'>;

  constructor({ url, timeoutMs = TIMEOUT_MS, login, ca }: RegistryClientOptions) {
    this.#secured = { ...(login === undefined ? {} : { login }), ...(ca === undefined ? {} : { ca }) };
    this.#url = url.replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
    this.name = shown(this.#url);
  }

  /** @throws RegistryFault when nothing answers, or something that is no registry, or when it fails */
  async ask(method: string, path: string, body?: object): Promise<RegistryAnswer> {
    const answer = await this.#ask(method, path, body);
    if (answer.status === 401)
      throw new RegistryFault(
        `the schema registry ${this.name} does not take the login of SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO (HTTP 401)`,
      );
    if (answer.problem !== undefined) throw new RegistryFault(`the schema registry ${this.name} ${answer.problem}`);
    const json: unknown = answer.text === '' ? undefined : JSON.parse(answer.text);
    if (answer.status < 300) return { json };
    const { error_code: code, message } = (json ?? {}) as { error_code?: unknown; message?: unknown };
    const said = typeof message === 'string' ? message : `HTTP ${answer.status}`;
    // A registry's refusals have a code; another service may just not know the path.
    if (typeof code !== 'number') throw new RegistryFault(`the schema registry ${this.name} answers ${said}`);
    return { refusal: { status: answer.status, code, said } };
  }

  async #ask(method: string, path: string, body: object | undefined): Promise<Answer> {
    try {
      return await ask({
        ...this.#secured,
        url: `${this.#url}${path}`,
        method,
        contentType: CONTENT_TYPE,
        timeoutMs: this.#timeoutMs,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (error instanceof NoAnswer)
        throw new RegistryFault(`the schema registry ${this.name} ${error.message}`, { cause: error });
      throw error;
    }
  }
}
