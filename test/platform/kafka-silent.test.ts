import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { BrokerFault } from '#libs/platform/kafka/contract.ts';
import { clusterAnswers } from '#libs/platform/kafka/probe.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import { listen, numbers, poll } from './listening.ts';

/* Something that accepts connections in a broker's place without being one: each call ends, with an error that says whose fault it is. */

const PLACES: readonly [name: string, onConnection: (socket: Socket) => void][] = [
  ['says nothing', () => {}],
  ['hangs up', (socket) => socket.destroy()],
  // Read as Kafka's protocol, this announces a response of 1.2 GB.
  ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
];

describe.each(PLACES)('somebody who %s', (_, onConnection) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  let options: Parameters<typeof openAdmin>[0];

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const brokers = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
    options = { brokers, clientId: 'test', log: openLog('silent'), timeoutMs: 500 };
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('does not make topics or tell offsets', async () => {
    const admin = openAdmin(options);
    const asked = [admin.clusterId(), admin.ensureTopics([{ topic: 'x', partitions: 1, replication: 1 }])];
    for (const each of asked) {
      await expect(each).rejects.toThrow(BrokerFault);
      await expect(each).rejects.toThrow(`the Kafka cluster ${options.brokers[0]} does not answer (`);
    }
    await admin.close();
  });

  test('takes no messages', async () => {
    const producer = openProducer(options);
    const sent = producer.send('topic', numbers(0, 1));
    await expect(sent).rejects.toThrow(BrokerFault);
    await expect(sent).rejects.toThrow('sending to the topic topic');
    await producer.close();
  });

  test('gives a consumer nothing, which says so, tries again ever more slowly, and ends when it is to', async () => {
    const { troubles, assigned, failures, consumer } = listen('topic', options);
    await poll(() => troubles.length).toBeGreaterThan(1);
    for (const said of troubles) expect(said).toContain('does not answer');
    await consumer.close();
    expect([assigned, failures]).toEqual([[], []]);
  });

  test('is no cluster', async () => {
    expect(await clusterAnswers(options.brokers)).toBe(false);
  });
});
