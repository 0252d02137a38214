import path from 'node:path';
import { LOG4J_OPTION, LOOPBACK } from './broker.ts';
import { completeParts } from './fetch.ts';
import { answers } from './http.ts';
import { ensureManifest } from './manifest.ts';
import { onPorts } from './ports.ts';
import { type PartOptions, type RunningPart, startJava } from './process.ts';
import { writeProperties } from './properties.ts';

export interface ConnectOptions extends PartOptions {
  /** As in KAFKA_BROKERS: host:port, several separated by commas. */
  readonly brokers: string;
  readonly port?: number;
  /** Values that connectors read as `${env:NAME}`: passwords, which are thus never stored in a topic. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further lines of connect.properties; they override ours. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export interface Connect extends RunningPart {
  /** The REST API, as CONNECT_URL takes it. */
  readonly url: string;
  readonly port: number;
}

/** A Connect worker on loopback with Debezium and the Avro converter. Connectors and offsets are stored in the cluster. */
export function startConnect(options: ConnectOptions): Promise<Connect> {
  const parts = completeParts(options.parts);
  ensureManifest(parts);
  const folder = path.resolve(options.folder);
  return onPorts(folder, { port: options.port }, async ({ port }) => {
    const url = `http://${LOOPBACK}:${port}`;
    const config = path.join(folder, 'connect.properties');
    writeProperties(config, { ...workerSettings(parts, options.brokers, url), ...options.settings });
    const running = await startJava(
      {
        name: 'connect',
        folder,
        args: [
          LOG4J_OPTION,
          '-cp',
          path.join(parts, 'libs', '*'),
          'org.apache.kafka.connect.cli.ConnectDistributed',
          config,
        ],
        maxHeapMb: 768,
        classes: { parts, name: 'connect' },
        env: options.env ?? {},
        // It only answers once the worker has joined its group.
        isReady: () => answers(`${url}/connectors`),
      },
      options,
    );
    return { ...running, port, url };
  });
}

function workerSettings(parts: string, brokers: string, url: string): Record<string, string | number | boolean> {
  return {
    'bootstrap.servers': brokers,
    'group.id': 'prepadata-connect',
    'config.storage.topic': 'connect-configs',
    'config.storage.replication.factor': 1,
    'offset.storage.topic': 'connect-offsets',
    'offset.storage.replication.factor': 1,
    'offset.storage.partitions': 1,
    'status.storage.topic': 'connect-status',
    'status.storage.replication.factor': 1,
    'status.storage.partitions': 1,
    'offset.flush.interval.ms': 1_000,
    'plugin.path': path.join(parts, 'plugins'),
    // Plugins without a manifest are not found: see ensureManifest.
    'plugin.discovery': 'service_load',
    listeners: url,
    'scheduled.rebalance.max.delay.ms': 0,
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'config.providers': 'env',
    'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  };
}
