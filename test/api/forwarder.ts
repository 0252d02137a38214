import { connect, createServer, type Server, type Socket } from 'node:net';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';

/** A route to a real server that can be cut and restored, always on the same port. */
export interface Forwarder {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>;
  /**
   * Goes silent: bytes stop, connections stay open.
   * @param purpose of the only connections to do so, as their application_name says; what the server closes stays open to us
   */
  freeze(purpose?: string): void;
  /** Forwards again. */
  fix(): Promise<void>;
}

export async function startForwarder(target: DatabaseAddress): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  let frozen = false;
  /** By what it said first: a connection's own route goes silent. */
  const silencers = new Map<Socket, (purpose: string) => void>();
  const open = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    if (frozen) socket.pause();
    return socket;
  };
  const forward = (near: Socket): void => {
    const far = open(connect(target.port, target.host));
    let silent = false;
    open(near).once('data', (first: Buffer) => {
      silencers.set(near, (purpose) => {
        silent ||= first.includes(`prepadata ${purpose}`);
      });
    });
    near.on('data', (chunk) => frozen || silent || far.write(chunk));
    far.on('data', (chunk) => frozen || silent || near.write(chunk));
    near.on('close', () => {
      silencers.delete(near);
      far.destroy();
    });
    far.on('close', () => silent || near.destroy());
  };
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  let server = await listen(forward, 0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    cut: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      breakAll();
      await closed;
    },
    freeze: (purpose) => {
      if (purpose === undefined) frozen = true;
      else for (const silence of silencers.values()) silence(purpose);
    },
    fix: async () => {
      if (frozen) breakAll();
      frozen = false;
      if (!server.listening) server = await listen(forward, port);
    },
  };
}

function listen(forward: (socket: Socket) => void, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(forward);
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
