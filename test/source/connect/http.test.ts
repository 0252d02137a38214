import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { ConnectHttp, ConnectRefusal } from '#libs/source/connect/http.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';
import { type Answering, NOT_A_SERVICE, PATIENT_MS } from '../../platform/not-a-service.ts';

const ROOT = { version: '4.3.1', commit: 'ab1c3d', kafka_cluster_id: 'b9YbLZ8eRQ2mXq0e4S5u6w' };

let answering: Answering;
const server = createServer((request, response) => answering(request, response));
let url: string;
let connect: ConnectHttp;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  answering = connectWith(200, {});
  connect = open(PATIENT_MS);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open = (timeoutMs: number): ConnectHttp => new ConnectHttp({ url }, new AbortController().signal, timeoutMs, 200);

/** A Connect that reports its version, and gives one answer to everything else. */
const connectWith =
  (status: number, body: unknown): Answering =>
  (request, response) => {
    const [code, said] = request.url === '/' ? [200, ROOT] : [status, body];
    response
      .writeHead(code, { 'content-type': 'application/json' })
      .end(said === undefined ? '' : JSON.stringify(said));
  };

const error = (code: number, message: string): Answering => connectWith(code, { error_code: code, message });

describe.each(NOT_A_SERVICE)('somebody who $name', ({ name, answers, said, timeoutMs = PATIENT_MS }) => {
  /** What a starting Connect may do and then stops doing; anything else means a wrong address. */
  const passes = !/page/.test(name);

  test('where Connect should be is waited for, or the address is wrong', async () => {
    answering = answers;
    const asked = open(timeoutMs).request('GET', '/connectors/lms/config', { missing: true });
    await expect(asked).rejects.toThrow(passes ? Waiting : ConfigurationError);
    await expect(asked).rejects.toThrow(said);
    await expect(asked).rejects.toThrow(url);
    if (!passes) await expect(asked).rejects.toMatchObject({ hint: expect.stringContaining('CONNECT_URL') });
  });

  test('in the place of a Connect that was there before is waited for', async () => {
    const connect = open(timeoutMs);
    await expect.poll(() => connect.request('GET', '/connectors/lms/config'), { timeout: PATIENT_MS }).toEqual({});
    answering = answers;
    const asked = connect.request('GET', '/connectors/lms/config', { missing: true });
    await expect(asked).rejects.toThrow(Waiting);
    await expect(asked).rejects.toThrow(said);
    answering = connectWith(200, { back: true });
    const again = () => connect.request('GET', '/connectors/lms/config');
    await expect.poll(again, { timeout: PATIENT_MS }).toEqual({ back: true });
  });
});

test('another service that speaks JSON is no Connect', async () => {
  answering = (_, response) => response.writeHead(200).end('["lms"]');
  const asked = connect.request('GET', '/connectors/lms/config', { missing: true });
  await expect(asked).rejects.toThrow(ConfigurationError);
  await expect(asked).rejects.toThrow(`there is no Kafka Connect at CONNECT_URL: ${url} answers HTTP 200`);
});

test.each([401, 403])('a Connect that wants a login (%s) says so, and gets the one in its address', async (status) => {
  answering = (request, response) => {
    if (request.headers.authorization === `Basic ${btoa('us:word')}`) return connectWith(200, {})(request, response);
    response.writeHead(status).end('User cannot access the resource.');
  };
  const asked = connect.request('GET', '/connectors/lms/config');
  await expect(asked).rejects.toThrow(ConfigurationError);
  await expect(asked).rejects.toThrow(`wants a login, or another one (HTTP ${status})`);
  const withLogin = url.replace('//', '//us:word@');
  await new ConnectHttp({ url: withLogin }, new AbortController().signal).request('GET', '/connectors/lms/config');
  const wrong = new ConnectHttp({ url, login: 'us:guess' }, new AbortController().signal);
  await expect(wrong.request('GET', '/connectors')).rejects.not.toThrow('guess');
});

test.each([
  [409, 'Cannot complete request momentarily due to stale configuration'],
  [500, 'IO Error trying to forward REST request: java.net.ConnectException: Connection refused'],
  [503, 'Request timed out. The worker is currently flushing updates to the status topic'],
])('%s passes, and is waited for in its own words: %s', async (code, message) => {
  answering = error(code, message);
  const asked = connect.request('PUT', '/connectors/lms/config', { body: '{}' });
  await expect(asked).rejects.toThrow(Waiting);
  await expect(asked).rejects.toThrow(message);
});

test('workers that share their work out anew are asked again for a moment', async () => {
  let asked = 0;
  answering = (request, response) => {
    if (request.url !== '/') asked += 1;
    const answer = asked < 4 ? error(409, 'a rebalance is expected') : connectWith(200, { done: true });
    answer(request, response);
  };
  const patient = new ConnectHttp({ url }, new AbortController().signal);
  expect(await patient.request('PUT', '/connectors/lms/stop')).toEqual({ done: true });
  expect(asked).toBe(4);
});

test.each([
  [400, 'Connector configuration is invalid and contains the following 1 error(s)'],
  [422, 'no'],
  [500, 'Failed to find any class that implements Connector and which name matches io.debezium'],
])('%s is a refusal: %s', async (code, message) => {
  answering = error(code, message);
  const asked = connect.request('POST', '/connectors', { body: '{}' });
  await expect(asked).rejects.toThrow(ConnectRefusal);
  await expect(asked).rejects.toThrow(message);
});

test('a connector that is not there is an answer where that is asked, and offsets come exactly', async () => {
  answering = error(404, 'Connector lms not found');
  expect(await connect.request('GET', '/connectors/lms/config', { missing: true })).toBeUndefined();
  await expect(connect.request('GET', '/connectors/lms/config')).rejects.toThrow(ConnectRefusal);
  answering = (request, response) =>
    request.url === '/'
      ? connectWith(200, {})(request, response)
      : response.writeHead(200).end('{"lsn": 9007199254740993}');
  expect(await connect.request('GET', '/connectors/lms/offsets')).toEqual({ lsn: 9_007_199_254_740_993n });
  answering = connectWith(204, undefined);
  expect(await connect.request('DELETE', '/connectors/lms')).toBeUndefined();
});

test('a Connect that is starting knows no connector, nor anything else, and is waited for', async () => {
  // Jetty's answer to a client that accepts JSON.
  answering = ({ url: path }, response) =>
    response
      .writeHead(404, { 'content-type': 'application/json' })
      .end(JSON.stringify({ url: path, status: '404', message: 'Not Found' }));
  const first = open(PATIENT_MS).request('GET', '/connectors/lms/config', { missing: true });
  await expect(first).rejects.toThrow(Waiting);
  await expect(first).rejects.toThrow('or CONNECT_URL is not where Connect is');
  const starting = answering;
  answering = connectWith(200, {});
  await connect.request('GET', '/connectors/lms/config');
  answering = starting;
  await expect(connect.request('GET', '/connectors/lms/config', { missing: true })).rejects.toThrow(Waiting);
  await expect(connect.request('POST', '/connectors', { body: '{}' })).rejects.toThrow('is starting');
});

test('whoever is no longer interested is not kept waiting', async () => {
  const stopping = new AbortController();
  answering = () => stopping.abort(new Error('stopped'));
  await expect(new ConnectHttp({ url }, stopping.signal).request('GET', '/connectors')).rejects.toThrow('stopped');
});
