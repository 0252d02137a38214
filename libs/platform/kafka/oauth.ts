import kafkajs, { type Authenticator, type Mechanism } from 'kafkajs';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { ask, NoAnswer, shown } from '../http.ts';

/** A client that gets tokens with its own credentials (RFC 6749, 4.4). */
export interface OAuthClient {
  readonly mechanism: 'OAUTHBEARER';
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What to ask for; absent: the server's default. */
  readonly scope?: string;
}

/** How the error begins when a broker refuses a token. */
export const TOKEN_REFUSED = 'the token is refused';

const TIMEOUT_MS = 10_000;
/** A token is renewed before it has less than this left, or less than a fifth of its life, milliseconds. */
const LEAST_LEFT_MS = 20_000;

/** Tokens, each used until it is about to expire. */
export function tokenSource(client: OAuthClient, now: () => number = Date.now): () => Promise<string> {
  let present: { readonly token: string; readonly until: number } | undefined;
  return async () => {
    if (present !== undefined && now() < present.until) return present.token;
    const asked = now();
    const { token, lifeMs } = await askForToken(client);
    present = { token, until: asked + lifeMs - Math.max(LEAST_LEFT_MS, lifeMs / 5) };
    return token;
  };
}

/** @throws ConfigurationError when the server refuses this client; NoAnswer when it gives no token at the moment */
async function askForToken(client: OAuthClient): Promise<{ token: string; lifeMs: number }> {
  const { tokenUrl, clientId, clientSecret, scope } = client;
  const server = `the token endpoint ${shown(tokenUrl)}`;
  const { status, text, problem } = await ask({
    url: tokenUrl,
    // Each part is encoded by itself, as the standard requires.
    login: `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`,
    method: 'POST',
    contentType: 'application/x-www-form-urlencoded',
    body: String(new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) })),
    timeoutMs: TIMEOUT_MS,
  }).catch((error: unknown) => {
    throw error instanceof NoAnswer ? new NoAnswer(`${server} ${error.message}`, { cause: error }) : error;
  });
  if (problem !== undefined) throw new NoAnswer(`${server} ${problem}`);
  const answer = JSON.parse(text) as { access_token?: unknown; expires_in?: unknown; error?: unknown };
  if (typeof answer.access_token === 'string')
    return { token: answer.access_token, lifeMs: 1_000 * Number(answer.expires_in ?? 0) };
  const said = `HTTP ${status}${typeof answer.error === 'string' ? `, ${answer.error}` : ''}`;
  if (status >= 500 || status === 429) throw new NoAnswer(`${server} gives no token: ${said}`);
  throw new ConfigurationError(
    `${server} gives no token to the client ${clientId}: ${said}`,
    'correct KAFKA_SASL_OAUTHBEARER_CLIENT_ID, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET and KAFKA_SASL_OAUTHBEARER_SCOPE',
  );
}

/**
 * The library has this mechanism too, but ignores the answer: a broker that refuses a token says so there, and waits for a
 * reply before it closes.
 */
export function oauthMechanism(client: OAuthClient): Mechanism {
  const token = tokenSource(client);
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }): Authenticator => ({
      authenticate: async () => {
        const first = `n,,\u0001auth=Bearer ${await token()}\u0001\u0001`;
        const refusal = await saslAuthenticate({
          request: { encode: () => withLength(first) },
          response: { decode: (bytes) => bytes.subarray(LENGTH_BYTES), parse: (bytes) => bytes.toString() },
        });
        if (refusal) throw new kafkajs.KafkaJSNonRetriableError(`${TOKEN_REFUSED}: ${refusal}`);
      },
    }),
  };
}

/** The protocol puts the number of bytes before them. */
const LENGTH_BYTES = 4;

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
