import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openLink } from '#libs/source/postgres/link.ts';

const sockets: Socket[] = [];
const server = createServer((socket) => sockets.push(socket));
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a server that takes the connection and says nothing holds nobody who was told to stop', async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const address = { host: '127.0.0.1', port, database: 'lms', user: 'reader', password: '' };
  const stop = new AbortController();
  const opening = openLink(address, 'check', 'sql', stop.signal, () => {});
  await expect.poll(() => sockets.length).toBe(1);
  stop.abort(new Error('enough'));
  await expect(opening).rejects.toThrow('enough');
});
