import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { listenForRequests } from '../../services/api/listen.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { ask, startTestApi } from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_lifecycle');
});
afterAll(() => analytics.drop());

/**
 * The real database, holding its answers until released; `asked` resolves at the first statement about students, which
 * only a request runs.
 */
function held(): { db: Database; asked: Promise<void>; release: () => void } {
  let release = (): void => {};
  let tell = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const db: Database = {
    ...analytics.db,
    query: async (statement, values) => {
      if (typeof statement !== 'string' && statement.name.includes('students')) tell();
      await gate;
      return analytics.db.query(statement, values);
    },
  };
  return { db, asked, release };
}

test('a request that runs while it stops is answered; new ones find nobody', async () => {
  const { db, asked, release } = held();
  const api = await startTestApi(db);
  const running = ask(`${api.url}/api/students`);
  await asked;
  let stopped = false;
  const stopping = api.stop().then(() => {
    stopped = true;
  });
  await expect(fetch(`${api.url}/api/health`)).rejects.toThrow();
  await sleep(50);
  expect(stopped).toBe(false);
  release();
  const answer = await running;
  expect(answer).toMatchObject({ status: 200, body: [] });
  expect(answer.headers.get('connection')).toBe('close');
  await stopping;
});

test('a connection that would be kept for a next request is closed with the answer that was under way', async () => {
  let end = (): void => {};
  const listener = await listenForRequests('127.0.0.1', 0, (_, response) => {
    response.write('[');
    end = () => void response.end(']');
  });
  const agent = new Agent({ keepAlive: true });
  const response = await new Promise<IncomingMessage>((resolve) => get(listener.url, { agent }, resolve));
  const closed = listener.close(3_600_000);
  end();
  expect((await response.toArray()).join('')).toBe('[]');
  expect(await closed).toBe(0);
  agent.destroy();
});

test('a request that never ends is cut off when the time is over', async () => {
  let tell = (): void => {};
  const asked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const listener = await listenForRequests('127.0.0.1', 0, () => tell());
  const cut = expect(fetch(listener.url)).rejects.toThrow();
  await asked;
  expect(await listener.close(200)).toBe(1);
  await cut;
});

test('a database that does not answer holds up no end', async () => {
  const { db, asked, release } = held();
  const api = await startTestApi(db);
  const refused = expect(ask(`${api.url}/api/students`)).resolves.toMatchObject({ status: 503 });
  await asked;
  await api.stop();
  await refused;
  release();
});

test('idle connections do not hold it up', async () => {
  const listener = await listenForRequests('127.0.0.1', 0, (_, response) => void response.end());
  const agent = new Agent({ keepAlive: true });
  const ended = new Promise<void>((resolve) => agent.on('free', (socket) => socket.on('close', () => resolve())));
  await new Promise<void>((resolve, reject) => {
    get(listener.url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
  await sleep(20);
  expect(await listener.close(3_600_000)).toBe(0);
  await ended;
  agent.destroy();
});

test('stopping twice is stopping once', async () => {
  const api = await startTestApi(analytics.db);
  await Promise.all([api.stop(), api.stop()]);
  await api.stop();
});

test('a port in use is an error that names it and what to set', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const starting = startTestApi(analytics.db, { port });
  await expect(starting).rejects.toThrow(ConfigurationError);
  await expect(starting).rejects.toMatchObject({
    message: `the API cannot listen on 127.0.0.1:${port}: the port ${port} is in use`,
    hint: expect.stringContaining('API_PORT'),
  });
  await new Promise((resolve) => other.close(resolve));
  const api = await startTestApi(analytics.db, { port });
  expect(api).toMatchObject({ port, url: `http://127.0.0.1:${port}` });
  await api.stop();
});

test('an address that this machine does not have is an error that names API_HOST', async () => {
  for (const host of ['192.0.2.1', 'no-such-host.invalid']) {
    const starting = startTestApi(analytics.db, { host, tokens: ['secret'] });
    await expect(starting).rejects.toThrow(ConfigurationError);
    await expect(starting).rejects.toMatchObject({ hint: expect.stringContaining('API_HOST') });
  }
});

test('an IPv6 address stands in brackets in the URL', async () => {
  const api = await startTestApi(analytics.db, { host: '::1' }).catch((error: unknown) => {
    // On a machine without IPv6 the address is refused like any that is not the machine's own.
    expect(error).toBeInstanceOf(ConfigurationError);
    return undefined;
  });
  if (api === undefined) return;
  expect(api.url).toBe(`http://[::1]:${api.port}`);
  expect((await ask(`${api.url}/api/health`)).status).toBe(200);
  await api.stop();
});
