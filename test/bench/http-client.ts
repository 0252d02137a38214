import { connect } from 'node:net';

export interface ClientTask {
  readonly url: string;
  readonly paths: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface ClientAnswer {
  readonly requestsPerSecond: number;
  /** Of a single request, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

// Requests the paths in turn on this many keep-alive connections, each sending its next request once the last is
// answered. Written on bare sockets, so that the client takes little of the machine that it shares with the server.
const { url, paths, connections, seconds } = JSON.parse(process.env['BENCH_TASK'] ?? '{}') as ClientTask;
const { hostname, port } = new URL(url);
const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`);
const times: number[] = [];
let failures = 0;
let turn = 0;
const beganAt = performance.now();
const until = beganAt + seconds * 1_000;

/** One connection, until the time is up. */
function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    let held = '';
    let askedAt = 0;
    const next = (): void => {
      turn += 1;
      askedAt = performance.now();
      socket.write(requests[turn % requests.length] ?? '');
    };
    socket.setEncoding('latin1');
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('data', (chunk: string) => {
      held += chunk;
      const head = held.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(held)?.[1]);
      if (Number.isNaN(length)) {
        reject(new Error(`an answer without a length: ${held.slice(0, 200)}`));
        return;
      }
      if (held.length < head + 4 + length) return;
      if (!held.startsWith('HTTP/1.1 200')) failures += 1;
      held = held.slice(head + 4 + length);
      times.push(performance.now() - askedAt);
      if (performance.now() < until) next();
      else {
        socket.destroy();
        resolve();
      }
    });
  });
}

await Promise.all(Array.from({ length: connections }, ask));
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.floor(share * times.length)] ?? Number.NaN;
const requestsPerSecond = times.length / ((performance.now() - beganAt) / 1_000);
const answer: ClientAnswer = { requestsPerSecond, p50: at(0.5), p99: at(0.99), failures };
process.send?.(answer, () => process.exit(0));
