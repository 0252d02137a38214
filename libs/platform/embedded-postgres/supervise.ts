import type { Log } from '../log.ts';
import { LOOK_AT_LOG_MS, shorten } from '../log-writer.ts';
import { Backoff } from '../retry.ts';
import { type EmbeddedOptions, type EmbeddedPostgres, isAlive, startEmbeddedPostgres } from './embedded.ts';

const LOOK_MS = 250;

/**
 * Keeps an embedded server up: one that dies (killed, out of memory, its disk full) is started again on its folder and
 * port, again and again, since everybody who uses it waits for it and goes on.
 * @param name as a log names it
 * @returns ends both the watch and the server
 */
export function superviseEmbedded(
  name: string,
  started: EmbeddedPostgres,
  options: EmbeddedOptions,
  log: Log,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let server = started;
  const watch = async (): Promise<void> => {
    const backoff = new Backoff({ first: LOOK_MS });
    while (!stopping.signal.aborted) {
      await backoff.wait(stopping.signal);
      if (stopping.signal.aborted) return;
      if (isAlive(server.pid)) {
        backoff.reset();
        continue;
      }
      log.error({ pid: server.pid }, `${name} has died; starting it again`);
      try {
        const { port } = server.address('postgres');
        server = await startEmbeddedPostgres({ ...options, port, fixedPort: true });
        log.info({ pid: server.pid }, `${name} is up again`);
        backoff.reset();
      } catch (error) {
        log.error({ err: error }, `${name} does not start; trying again in ${backoff.next} ms`);
      }
    }
  };
  const watching = watch();
  const logs = setInterval(() => shorten(server.logFile), LOOK_AT_LOG_MS);
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(logs);
      await watching;
      await server.stop();
    },
  };
}
