import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { PortTaken } from './process.ts';

const ATTEMPTS = 3;

/**
 * Starts something on its ports: those asked for, otherwise those it had last time in this folder if they are free,
 * otherwise free ones. If somebody else takes a free port meanwhile, another one is tried.
 * @throws ConfigurationError if a port that was asked for is in use
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
