import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import kafkajs from 'kafkajs';
import { vi } from 'vitest';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { type Broker, startBroker } from '../../services/sandbox/stack/parts/index.ts';
import { OwnStack } from './stack.ts';

const FIRST = 1;

/** Three real brokers of one cluster, of which unclean elections are allowed. The first is its controller, and keeps the groups. */
export class Brokers {
  readonly kafka: kafkajs.Kafka;
  /** Only its guard and its folder are used. */
  readonly #around = new OwnStack({ parts: [] });
  readonly #ports: readonly number[];
  readonly #controllerPort: number;
  readonly #running = new Map<number, Broker>();

  private constructor([controllerPort = 0, ...ports]: readonly number[]) {
    this.#controllerPort = controllerPort;
    this.#ports = ports;
    const { NOTHING: logLevel } = kafkajs.logLevel;
    this.kafka = new kafkajs.Kafka({ logLevel, brokers: this.addresses.slice(0, 1), retry: { retries: 20 } });
  }

  static async start(): Promise<Brokers> {
    const brokers = new Brokers(await Promise.all([freePort(), freePort(), freePort(), freePort()]));
    await brokers.start(FIRST);
    // A group is kept where there is a broker when one is asked for first.
    await vi.waitFor(() => brokers.ask((admin) => admin.fetchOffsets({ groupId: 'any' })), 20_000);
    await Promise.all([brokers.start(2), brokers.start(3)]);
    return brokers;
  }

  get addresses(): string[] {
    return this.#ports.map((port) => `127.0.0.1:${port}`);
  }

  /** Starts or restarts one of the nodes 1 to 3. */
  async start(node: number): Promise<void> {
    const port = this.#ports[node - 1];
    if (port === undefined) throw new Error(`there is no node ${node}`);
    const settings = {
      'node.id': node,
      'controller.quorum.voters': `${FIRST}@127.0.0.1:${this.#controllerPort}`,
      'unclean.leader.election.enable': true,
    };
    const alone = { 'process.roles': 'broker', listeners: `PLAINTEXT://127.0.0.1:${port}` };
    if (node !== FIRST) this.#belong(node);
    const broker = await startBroker({
      folder: this.#folderOf(node),
      port,
      controllerPort: node === FIRST ? this.#controllerPort : await freePort(),
      onSpawn: (pid) => this.#around.watch(pid),
      settings: node === FIRST ? settings : { ...settings, ...alone },
    });
    this.#running.set(node, broker);
  }

  /** Lets a node go as an administrator does: it hands over first. */
  async end(node: number): Promise<void> {
    await this.#running.get(node)?.stop();
  }

  async kill(node: number): Promise<void> {
    await this.#running.get(node)?.kill();
  }

  async ask<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin();
    await admin.connect();
    return work(admin).finally(() => admin.disconnect());
  }

  async partitions(topic: string): Promise<readonly kafkajs.PartitionMetadata[]> {
    const { topics } = await this.ask((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics[0]?.partitions.toSorted((a, b) => a.partitionId - b.partitionId) ?? [];
  }

  /** @param replicas the nodes that keep each partition, its first leader first */
  async createTopic(topic: string, replicas: readonly (readonly number[])[]): Promise<void> {
    const replicaAssignment = replicas.map((nodes, partition) => ({ partition, replicas: [...nodes] }));
    await this.ask((admin) => admin.createTopics({ topics: [{ topic, replicaAssignment }] }));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((broker) => broker.kill()));
    await this.#around.stop();
  }

  #folderOf(node: number): string {
    return path.join(this.#around.folder, `node-${node}`);
  }

  #metaOf(node: number): string {
    return path.join(this.#folderOf(node), 'data', 'meta.properties');
  }

  /** Lets a node, when it is started first, belong to the cluster of the first one. */
  #belong(node: number): void {
    if (this.#running.has(node)) return;
    const [, id] = /^cluster\.id=(.*)$/m.exec(readFileSync(this.#metaOf(FIRST), 'utf8')) ?? [];
    mkdirSync(path.dirname(this.#metaOf(node)), { recursive: true });
    writeFileSync(this.#metaOf(node), `version=1\ncluster.id=${id}\nnode.id=${node}\n`);
  }
}
