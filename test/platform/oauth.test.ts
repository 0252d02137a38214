import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { NoAnswer } from '#libs/platform/http.ts';
import { type OAuthClient, tokenSource } from '#libs/platform/kafka/oauth.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

let endpoint: TokenEndpoint;
let client: OAuthClient;
let count = 0;
/** Milliseconds. */
let now = 0;

const granting = (lifeSeconds?: number) => () => {
  count += 1;
  return [200, { access_token: `token ${count}`, token_type: 'Bearer', expires_in: lifeSeconds }] as const;
};

beforeAll(async () => {
  endpoint = await startTokenEndpoint(granting(3600));
});
afterAll(() => endpoint.close());
beforeEach(() => {
  count = 0;
  now = 0;
  endpoint.asked.length = 0;
  endpoint.answer = granting(3600);
  client = { mechanism: 'OAUTHBEARER', tokenUrl: endpoint.url, clientId: 'the client', clientSecret: 'it: is+marked' };
});

test('a token is asked for as the standard has it', async () => {
  expect(await tokenSource({ ...client, scope: 'kafka write' })()).toBe('token 1');
  expect(endpoint.asked).toEqual([
    {
      authorization: `Basic ${Buffer.from('the%20client:it%3A%20is%2Bmarked').toString('base64')}`,
      body: 'grant_type=client_credentials&scope=kafka+write',
    },
  ]);
});

test.each([
  [3600, 3600 * 0.8],
  [60, 40],
  [10, 0],
  [undefined, 0],
])('one that lives for %s s is used for %s s, and then another', async (lifeSeconds, usedSeconds) => {
  endpoint.answer = granting(lifeSeconds);
  const next = tokenSource(client, () => now);
  expect(await next()).toBe('token 1');
  now = usedSeconds * 1_000 - 1;
  if (usedSeconds > 0) expect(await next()).toBe('token 1');
  now = usedSeconds * 1_000;
  expect(await next()).toBe('token 2');
});

test.each([
  [
    401,
    { error: 'invalid_client' },
    ConfigurationError,
    /gives no token to the client the client: HTTP 401, invalid_client/,
  ],
  [400, { error: 'invalid_scope' }, ConfigurationError, /HTTP 400, invalid_scope/],
  [200, { something: 'else' }, ConfigurationError, /gives no token to the client the client: HTTP 200/],
  [503, { error: 'temporarily_unavailable' }, NoAnswer, /gives no token: HTTP 503/],
  [429, {}, NoAnswer, /gives no token: HTTP 429/],
])('an endpoint that answers %s %j', async (status, body, kind, said) => {
  endpoint.answer = () => [status, body];
  const asked = tokenSource(client)();
  await expect(asked).rejects.toThrow(kind);
  await expect(asked).rejects.toThrow(said);
  await expect(asked).rejects.not.toThrow(/marked/);
  endpoint.answer = granting(3600);
});

test('an endpoint that is away is named, and asked again the next time', async () => {
  const next = tokenSource({ ...client, tokenUrl: 'http://127.0.0.1:1/token' });
  await expect(next()).rejects.toThrow(/^the token endpoint http:\/\/127\.0\.0\.1:1\/token does not answer/);
  await expect(next()).rejects.toThrow(NoAnswer);
});
