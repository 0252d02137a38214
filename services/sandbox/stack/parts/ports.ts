import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { PortTaken } from './process.ts';

const ATTEMPTS = 3;

/**
 * Starts something on its ports: those asked for, else those that it had last time in this folder while they are free,
 * else free ones. A free port that somebody else takes meanwhile is given up for another.
 * @throws ConfigurationError when a port that was asked for is in use
 */
export async function onPorts<N extends string, R>(
  folder: string,
  asked: Readonly<Record<N, number | undefined>>,
  start: (ports: Readonly<Record<N, number>>) => Promise<R>,
): Promise<R> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'ports.json');
  let kept: Partial<Record<N, number>> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  for (let attempt = 1; ; attempt += 1) {
    const ports: Partial<Record<N, number>> = {};
    for (const name of Object.keys(asked) as N[]) ports[name] = asked[name] ?? (await freePort(kept[name] ?? 0));
    writeFileSync(file, JSON.stringify(ports));
    try {
      return await start(ports as Record<N, number>);
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
      if (attempt === ATTEMPTS || Object.values(asked).some((port) => port !== undefined))
        throw new ConfigurationError(
          `${error.message} (${JSON.stringify(ports)})`,
          'stop what listens there, or take others',
        );
      kept = {};
    }
  }
}
