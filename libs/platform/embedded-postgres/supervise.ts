import type { Log } from '../log.ts';
import { LOOK_AT_LOG_MS, shorten } from '../log-writer.ts';
import { Backoff } from '../retry.ts';
import { type EmbeddedOptions, type EmbeddedPostgres, isAlive, startEmbeddedPostgres } from './embedded.ts';

const LOOK_MS = 250;

/**
 * Keeps an embedded server up: if it dies (killed, out of memory, its disk full), it is restarted on its folder and port,
 * however often, since all its users wait for it and carry on.
 * @param name for the log
 * @returns stops both the watch and the server
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
