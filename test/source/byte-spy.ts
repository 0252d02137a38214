import { type AddressInfo, connect, createServer } from 'node:net';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';

/** A proxy before a server that keeps every byte the server sends. */
export interface ByteSpy {
  readonly address: DatabaseAddress;
  sent(): Buffer;
  close(): Promise<void>;
}

export async function spyOn(address: DatabaseAddress): Promise<ByteSpy> {
  const chunks: Buffer[] = [];
  const server = createServer((client) => {
    const upstream = connect(address.port, address.host);
    upstream.on('data', (chunk) => chunks.push(chunk));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: { ...address, host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    sent: () => Buffer.concat(chunks),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
