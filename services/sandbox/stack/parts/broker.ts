import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { clusterAnswers } from '#libs/platform/kafka/probe.ts';
import { adminSecurity, type BrokerSecurity, securedSettings, userArguments } from './broker-security.ts';
import { sharedClasses } from './class-archive.ts';
import { completeParts } from './fetch.ts';
import { onPorts } from './ports.ts';
import { javaOptions, type PartOptions, type RunningPart, startJava } from './process.ts';
import { writeProperties } from './properties.ts';

export interface BrokerOptions extends PartOptions {
  readonly port?: number;
  readonly controllerPort?: number;
  /** Default: no encryption, no login. */
  readonly security?: BrokerSecurity;
  /** Further lines of server.properties; they override ours. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export interface Broker extends RunningPart {
  /** As KAFKA_BROKERS takes it: host:port. */
  readonly address: string;
  readonly port: number;
  readonly controllerPort: number;
}

interface Ports {
  readonly port: number;
  readonly controllerPort: number;
}

export const LOOPBACK = '127.0.0.1';
export const LOG4J_OPTION = `-Dlog4j2.configurationFile=${fileURLToPath(new URL('./log4j2.properties', import.meta.url))}`;

/** A single-node Kafka on loopback: broker and controller in one. */
export function startBroker(options: BrokerOptions): Promise<Broker> {
  const parts = completeParts(options.parts);
  const libs = path.join(parts, 'libs', '*');
  const folder = path.resolve(options.folder);
  const asked = { port: options.port, controllerPort: options.controllerPort };
  const { security } = options;
  return onPorts(folder, asked, async (ports) => {
    const config = path.join(folder, 'server.properties');
    const data = path.join(folder, 'data');
    const address = `${LOOPBACK}:${ports.port}`;
    writeProperties(config, {
      ...serverSettings(data, ports),
      ...(security && securedSettings(security, address, `${LOOPBACK}:${ports.controllerPort}`)),
      ...options.settings,
    });
    if (!existsSync(path.join(data, 'meta.properties')))
      await format(parts, config, data, security === undefined ? [] : userArguments(security));
    // The broker's files, with names and what every student did, are readable to everybody who can enter this folder.
    chmodSync(data, 0o700);
    const running = await startJava(
      {
        name: 'broker',
        folder,
        args: [LOG4J_OPTION, '-cp', libs, 'kafka.Kafka', config],
        maxHeapMb: 384,
        classes: { parts, name: 'broker' },
        isReady: () => clusterAnswers([address], security && adminSecurity(security)),
      },
      options,
    );
    return { ...running, ...ports, address };
  });
}

function serverSettings(data: string, { port, controllerPort }: Ports): Record<string, string | number | boolean> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${LOOPBACK}:${controllerPort}`,
    listeners: `PLAINTEXT://${LOOPBACK}:${port},CONTROLLER://${LOOPBACK}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${LOOPBACK}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': data,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // On one machine a group need not wait for further members.
    'group.initial.rebalance.delay.ms': 0,
    // A killed broker can register again only when its previous session has expired; the default is 9 s.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    // A misspelt topic should be an error, not a new topic.
    'auto.create.topics.enable': false,
    'num.network.threads': 2,
    'num.io.threads': 2,
  };
}

/** Gives the data folder its cluster id, once. */
async function format(parts: string, config: string, data: string, more: readonly string[]): Promise<void> {
  // The remains of a killed format have no id, and so no data.
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  // From a file, since everybody on the machine can see command lines, and these arguments contain passwords.
  const file = path.join(data, 'format.arguments');
  const args = ['format', '--ignore-formatted', '-t', newClusterId(), '-c', config, ...more];
  writeFileSync(file, args.join('\n'), { mode: 0o600 });
  const child = spawn(
    'java',
    [
      ...javaOptions(256),
      ...(await sharedClasses(parts, 'broker')),
      ...['-XX:TieredStopAtLevel=1', LOG4J_OPTION, '-cp', path.join(parts, 'libs', '*')],
      ...['kafka.tools.StorageTool', `@${file}`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-2_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve) => {
    // If Java is missing, the start that follows says so.
    child.once('error', () => resolve(0));
    child.once('close', resolve);
  });
  rmSync(file);
  if (code === 0) return;
  throw new UnrecoverableError(
    'broker_format',
    `the data folder of the broker, ${data}, could not be made:\n  ${output.trim()}`,
    'see that the disk has space and that this user may write there, and start again',
  );
}

/** 22 characters of base64url; an id that begins with a dash would be taken for an option. */
function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}
